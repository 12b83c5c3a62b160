/** The programs in the docs check against the package's types; those of docs/library.md also run, in their order, in one folder. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Running, temporaryFolder } from '../cli/support.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const PAGES = ['docs/library.md', 'docs/client.md', 'README.md'];
/** What each program of docs/library.md prints, by its heading. */
const PRINTED: Record<string, RegExp> = {
  'An engine in your program': /^REST and WebSocket: http:\/\/127\.0\.0\.1:\d+\/\nlogged 5\d\d lost 0\n$/,
  'Follow every tick': /^(missed \d+ ticks of shard 0\n)*EUR\w+ [\d.]+ × [\d.]+ (buy|sell|null)\n$/,
  'The last value of a symbol': /^\d\.\d{5} \d\.\d{5} undefined\n$/,
  'Your own feed': /^2 1\.1 1\.10002\n3 1\.10005 1\.10007\n4 1\.1001 1\.10012\n$/,
  'Read the log': /^[0-9a-f]{16} \[ \{ oldest: 1, newest: 5\d\d \} \] 10\n10\n$/,
  'Several engines': /^2 ports\ndata_folder_locked\n$/,
  'Numbers with types of their own': /^$/,
};

/** The programs of a page, each with the heading that it stands under. */
function programsOf(page: string): { heading: string; text: string }[] {
  return readFileSync(join(ROOT, page), 'utf8')
    .split(/^#+ /m)
    .flatMap((section) => {
      const heading = section.slice(0, section.indexOf('\n'));
      return [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text]) => ({ heading, text }));
    });
}

const folder = temporaryFolder(t);
mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
symlinkSync(ROOT, join(folder, 'node_modules/tickwire'));
symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));

function node(...args: string[]): Running {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return new Running(spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env }));
}

t.test('the types of every program', async (t) => {
  const files: string[] = [];
  for (const page of PAGES) {
    const programs = programsOf(page);
    t.ok(programs.length > 0, page);
    for (const [n, { text }] of programs.entries()) {
      const file = `${page.replace(/\W/g, '-')}-${n}.ts`;
      files.push(file);
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      // A program without an import is none: its names would be global.
      writeFileSync(join(folder, file), `${text}\nexport {};\n`);
    }
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    types: ['node'],
    outDir: '.',
  };
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const { stdout } = await node(TSC, '-p', '.').ended;
  t.equal(stdout, '');
});

t.test('docs/library.md', async (t) => {
  const programs = programsOf('docs/library.md');
  t.same(
    programs.map(({ heading }) => heading),
    Object.keys(PRINTED),
  );
  for (const [n, { heading }] of programs.entries()) {
    const { code, stdout, stderr } = await node(`docs-library-md-${n}.js`).ended;
    t.equal(stderr, '', heading);
    t.equal(code, 0, heading);
    t.match(stdout, PRINTED[heading], heading);
  }
});
