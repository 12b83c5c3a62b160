/** A host that compiles strictly, the declarations of libraries too, and without the library DOM. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { temporaryFolder } from '../cli/support.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const PROGRAM = `
import { createEngine } from 'tickwire';
import { TickClient } from 'tickwire/client';
const engine = await createEngine({ feeds: [], dataFolder: false });
engine.follow({}, (tick) => void (tick.kind === 'quote' && tick.bid));
const client = new TickClient('ws://127.0.0.1:8080/v1/stream');
client.subscribe({ symbols: ['*'] }, (tick) => void (tick.kind === 'quote' && tick.bid));
`;

t.test('the declarations compile', { timeout: 300_000 }, async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/tickwire'));
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext'];
  const target = ['--target', 'es2023', '--lib', 'es2023', '--types', 'node', 'program.ts'];
  const { stdout, status } = spawnSync(process.execPath, [TSC, ...options, ...target], {
    cwd: folder,
    encoding: 'utf8',
  });
  t.equal(stdout, '');
  t.equal(status, 0);
});
