/**
 * Compiles what is done to every tick (AssemblyScript, in folders named `wasm`) to WebAssembly, beside the JavaScript
 * that calls it (docs/decisions/0005-codec-in-wasm.md, 0006-numbering-in-wasm.md).
 */
import asc from 'assemblyscript/asc';

const MODULES = [
  // 64 KiB a page: what `layout.ts` lays out, and none is added later.
  { from: 'src/log/wasm', to: 'dist/src/log/columns.wasm', pages: 152 },
  // These two add the pages that their symbols need.
  { from: 'src/pipeline/wasm', to: 'dist/src/pipeline/numbering.wasm' },
  { from: 'src/feeds/synthetic/wasm', to: 'dist/src/feeds/synthetic/market.wasm' },
];
// Without a runtime: addresses are fixed by `layout.ts`, and the names are for profiles.
const OPTIONS = ['--optimizeLevel', '3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--debug'];

for (const { from, to, pages } of MODULES) {
  const fixed = pages === undefined ? [] : ['--initialMemory', `${pages}`, '--maximumMemory', `${pages}`];
  // The lowest address that static data may take: below the first one of the log's `layout.ts`.
  const { error, stderr } = await asc.main([
    `${from}/index.ts`,
    '--outFile',
    to,
    ...OPTIONS,
    ...fixed,
    '--memoryBase',
    '64',
  ]);
  if (error === null) continue;
  process.stderr.write(stderr.toString());
  process.exitCode = 1;
}
