/** Each promise of the guarantees page has a limit and a test that exists, and quotes constants as they are. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import * as limits from '../../src/core/limits.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = readFileSync(`${ROOT}docs/guarantees.md`, 'utf8');
const HEAD = ['boundary', 'behaviour', 'limit', 'test'];
const UNITS: Record<string, number> = { '': 1, bytes: 1, KiB: 1024, MiB: 1024 * 1024, ms: 1, s: 1_000 };

/** The cells of each table row, with the line that the row stands on. */
const rows = PAGE.split('\n').flatMap((line, i) => {
  if (!line.startsWith('|')) return [];
  const cells = line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  return [{ line: i + 1, cells }];
});
const promises = rows.filter(({ cells }) => cells[0] !== HEAD[0] && !/^-+$/.test(cells[0]));

t.test('every table has the same four columns', async (t) => {
  const heads = rows.filter(({ cells }) => cells[0] === HEAD[0]);
  t.ok(heads.length > 0);
  for (const { cells } of heads) t.same(cells, HEAD);
});

t.test('each promise has a behaviour, a limit, and tests that exist', async (t) => {
  t.ok(promises.length > 0);
  for (const { line, cells } of promises) {
    const [boundary, behaviour, limit, tests] = cells;
    t.equal(cells.length, HEAD.length, `line ${line}`);
    t.ok(boundary !== '' && behaviour !== '' && limit !== '', `line ${line}: no cell is empty`);
    const paths = [...tests.matchAll(/`([^`]+)`/g)].map(([, path]) => path);
    t.ok(paths.length > 0, `line ${line}: ${boundary} has a test`);
    for (const path of paths) {
      t.match(path, /^test\/.+\.test\.ts$/, `line ${line}`);
      t.ok(existsSync(`${ROOT}${path}`), `line ${line}: ${path} exists`);
    }
  }
});

t.test('quoted constants have the values of src/core/limits.ts', async (t) => {
  const constants = limits as unknown as Record<string, number | undefined>;
  const named = [...PAGE.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`/g)].map(([, name]) => name);
  const quoted = [...PAGE.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)` \(([\d,]+) ?(\w*)\)/g)];
  t.equal(quoted.length, named.length, 'each constant is quoted with its value');
  for (const [, name, digits, unit] of quoted) {
    t.ok(unit in UNITS, `${name}: the unit ${unit} is known`);
    t.equal(Number(digits.replaceAll(',', '')) * UNITS[unit], constants[name], name);
  }
});
