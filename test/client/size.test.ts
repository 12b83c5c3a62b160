/** What `tickwire/client` costs a page: one bundle for browsers, minified and gzipped. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import t from 'tap';

const ENTRY = fileURLToPath(new URL('../../src/client/index.js', import.meta.url));
/** 11.9 KB of it are msgpackr. A change that raises it says why in the changelog. */
const GZIPPED_BYTES_MAX = 24 * 1024;

t.test('the bundle of the client stays small', async (t) => {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    write: false,
    legalComments: 'none',
  });
  const [{ contents, text }] = outputFiles;
  const gzipped = gzipSync(contents, { level: 9 }).length;
  t.comment(`tickwire/client: ${contents.length} bytes minified, ${gzipped} gzipped`);
  t.ok(gzipped <= GZIPPED_BYTES_MAX, `${gzipped} bytes gzipped`);
  t.notMatch(text, /from\s*["']node:|require\(["'](node:|net|http)/, 'nothing of Node');
});
