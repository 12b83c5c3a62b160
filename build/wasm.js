/**
 * Compiles what is done to every tick (AssemblyScript, in folders named `wasm`) to WebAssembly, beside the JavaScript
 * that calls it (docs/decisions/0005-codec-in-wasm.md, 0006-numbering-in-wasm.md).
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import asc from 'assemblyscript/asc';

const MODULES = [
  // 64 KiB a page: what `layout.ts` lays out, and none is added later.
  { from: 'src/log/format/wasm', to: 'dist/src/log/format/columns.wasm', pages: 150 },
  // Of a size that the host decides, with the rings in it: `src/pipeline/memory/shard-memory.ts`.
  { from: 'src/pipeline/shard/wasm', to: 'dist/src/pipeline/shard/sequencing.wasm', shared: true },
  // Adds the pages that its symbols need.
  { from: 'src/feeds/synthetic/wasm', to: 'dist/src/feeds/synthetic/market.wasm' },
];
// Without a runtime: addresses are fixed by `layout.ts`, and the names are for profiles.
const OPTIONS = ['--optimizeLevel', '3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--debug'];

/** Above a function: it takes the place of its calls. The decorator itself is no TypeScript that other tools would read. */
const INLINE = /^\/\/ @inline$/gm;

/** A source as the compiler is to see it; null where there is none. */
async function source(name, folder) {
  try {
    return (await readFile(resolve(folder, name), 'utf8')).replace(INLINE, '@inline');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

const SHARED = [
  '--importMemory',
  '--sharedMemory',
  '--enable',
  'threads',
  '--initialMemory',
  '1',
  '--maximumMemory',
  '65536',
];

for (const { from, to, pages, shared } of MODULES) {
  const fixed = pages === undefined ? [] : ['--initialMemory', `${pages}`, '--maximumMemory', `${pages}`];
  // The lowest address that static data may take: below the first one of the log's `layout.ts`.
  const options = [
    `${from}/index.ts`,
    '--outFile',
    to,
    ...OPTIONS,
    ...(shared ? SHARED : fixed),
    '--memoryBase',
    '64',
  ];
  const { error, stderr } = await asc.main(options, { readFile: source });
  if (error === null) continue;
  process.stderr.write(stderr.toString());
  process.exitCode = 1;
}
