/** The last step of `npm run build`: the page, its client and its decoders in one file, beside index.html. */
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** This file runs from dist/src/web; the sources that tsc does not copy lie three folders above, in src/web. */
const COMPILED = new URL('./', import.meta.url);
const SOURCES = new URL('../../../src/web/', import.meta.url);
const PUBLIC = new URL('public/', COMPILED);

await mkdir(PUBLIC, { recursive: true });
await build({
  entryPoints: [fileURLToPath(new URL('page.js', COMPILED))],
  outfile: fileURLToPath(new URL('page.js', PUBLIC)),
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
});
for (const name of ['index.html', 'style.css']) await copyFile(new URL(name, SOURCES), new URL(name, PUBLIC));
