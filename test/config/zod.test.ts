/** Settings are checked where an engine is made: neither a web page nor a stage's thread loads the schema library. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import t from 'tap';

/** What pages load, and what the threads of stages and of jobs load before any feed's module. */
const ENTRIES = ['client/index', 'web/page', 'engine/stage-entry', 'log/read/worker'];

async function packagesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../../src/${entry}.js`, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
    metafile: true,
  });
  return Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
}

for (const entry of ENTRIES) {
  t.test(entry, async (t) => {
    const packages = await packagesOf(entry);
    t.ok(packages.length > 0, 'its packages were found');
    t.notOk(packages.includes('zod'), packages.join(', '));
  });
}
