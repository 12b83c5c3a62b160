/**
 * Compiles the columnar codec's loops (`src/log/wasm/`, AssemblyScript) to WebAssembly, beside the JavaScript that
 * calls them (docs/decisions/0005-codec-in-wasm.md).
 */
import asc from 'assemblyscript/asc';

/** 64 KiB each: what `layout.ts` lays out, and none is added later. */
const MEMORY_PAGES = '144';

const { error, stderr } = await asc.main([
  'src/log/wasm/index.ts',
  '--outFile',
  'dist/src/log/columns.wasm',
  '--optimizeLevel',
  '3',
  '--noAssert',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--initialMemory',
  MEMORY_PAGES,
  '--maximumMemory',
  MEMORY_PAGES,
  // Below the first address of `layout.ts`.
  '--memoryBase',
  '64',
  // Names in profiles.
  '--debug',
]);
if (error !== null) {
  process.stderr.write(stderr.toString());
  process.exitCode = 1;
}
