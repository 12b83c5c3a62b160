/** Every code that an error can have stands in a table of the docs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ConnectionClosedError } from '../../src/client/index.js';
import { ERROR_CODES } from '../../src/core/errors.js';
import { REFUSALS } from '../../src/feeds/mt5/refusal.js';
import { CloseCode, WIRE_ERRORS } from '../../src/wire/ticks.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The rows of the tables of a page: the codes in their first column, and the text. */
function codesIn(page: string, column = 0): Set<string> {
  const codes = new Set<string>();
  for (const line of readFileSync(join(ROOT, 'docs', page), 'utf8').split('\n')) {
    const cell = line.startsWith('|') ? line.split('|')[1 + column] : '';
    for (const [, code] of cell.matchAll(/`?(\d{4}|[a-z_]+)`?/g)) codes.add(code);
  }
  return codes;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, 'src', folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('bench'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

t.test('errors of the library and of commands', async (t) => {
  const told = codesIn('operations.md');
  for (const code of [...ERROR_CODES, new ConnectionClosedError(1006, '').code]) t.ok(told.has(code), code);
});

t.test('errors of the stream, and its close codes', async (t) => {
  const told = codesIn('protocol.md');
  for (const code of WIRE_ERRORS) t.ok(told.has(code), code);
  for (const code of Object.values(CloseCode)) {
    if (code !== CloseCode.forbidden) t.ok(told.has(String(code)), String(code));
  }
});

t.test('problems of REST', async (t) => {
  const told = codesIn('protocol.md', 1);
  const problems = sourcesOf('fanout').flatMap((text) =>
    [...text.matchAll(/problem\(\s*[\w.[\] ?]+,\s*'([a-z_]+)'/g)].map(([, code]) => code),
  );
  t.ok(problems.length > 10);
  for (const code of new Set(problems)) t.ok(told.has(code), code);
});

t.test('what a terminal is told', async (t) => {
  const told = codesIn('mt5-framing.md');
  for (const code of Object.keys(REFUSALS)) t.ok(told.has(code), code);
});

t.test('no other code is thrown', async (t) => {
  const known = new Set<string>([
    ...ERROR_CODES,
    ...WIRE_ERRORS,
    ...Object.keys(REFUSALS),
    new ConnectionClosedError(1006, '').code,
  ]);
  for (const text of sourcesOf('.')) {
    for (const [, code] of text.matchAll(/\bcode(?: = |: )'([a-z_]+)'/g)) t.ok(known.has(code), code);
    for (const [, code] of text.matchAll(/new TickwireError\(\s*'([a-z_]+)'/g)) t.ok(known.has(code), code);
  }
});
