/** The table of settings in docs/operations.md has each setting, as the schema has it: names, default, values, meaning. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { SettingLine } from '../../src/engine/settings/describe.js';
import { SETTINGS, variableOf } from '../../src/engine/settings/environment.js';

const OPERATIONS = new URL('../../../docs/operations.md', import.meta.url);
const SENTENCE_WORDS_MAX = 25;

function code(text: string): string {
  return `\`${text}\``;
}

/** `--port` of `-p, --port <n>`. */
function longName(flag: string): string {
  return /--[\w-]+/.exec(flag)?.[0] ?? '';
}

/** A row of the table. */
function rowOf(line: SettingLine): string {
  const { path, variable, flag, offFlag, values, meaning } = line;
  const flags = [flag, offFlag].filter((name) => name !== undefined).map(longName);
  const names = [variableOf(path), ...(variable === undefined ? [] : [variable]), ...flags];
  const standard = line.standard ?? (line.default === undefined ? 'none' : code(line.default));
  return `| ${code(path.join('.'))} | ${names.map(code).join(', ')} | ${standard} | ${values} | ${meaning} |`;
}

t.test('each setting has its row', async (t) => {
  const [, section] = readFileSync(OPERATIONS, 'utf8').split('\n## Settings\n');
  const rows = section
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  t.same(rows, SETTINGS.map(rowOf));
});

t.test('each meaning is whole sentences that are not long', async (t) => {
  for (const { path, meaning } of SETTINGS) {
    t.match(meaning, /^[A-Z`].*\.$/, path.join('.'));
    for (const sentence of meaning.split(/[.;:] /)) {
      t.ok(sentence.split(' ').length <= SENTENCE_WORDS_MAX, `${path.join('.')}: ${sentence}`);
    }
  }
});
