/** The options of every feed type stand in the docs and in the help, as their schemas have them. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { optionsOf } from '../../src/engine/settings/feeds.js';
import { FEED_TYPES, type FeedTypeName } from '../../src/feeds/index.js';
import { run } from '../cli/support.js';

const OPERATIONS = new URL('../../../docs/operations.md', import.meta.url);

/** A row of the table in docs/operations.md. */
function rowOf(type: FeedTypeName, { name, values, default: standard, isNeeded, meaning }: Option): string {
  const told = standard === undefined ? (isNeeded ? 'needed' : 'none') : `\`${standard}\``;
  return `| \`${type}\` | \`${name}\` | ${values} | ${told} | ${meaning} |`;
}
type Option = ReturnType<typeof optionsOf>[number];

t.test('each option', async (t) => {
  const FEEDS = Object.keys(FEED_TYPES);
  const docs = readFileSync(OPERATIONS, 'utf8');
  const rows = docs.split('\n').filter((line) => FEEDS.some((type) => line.startsWith(`| \`${type}\` |`)));
  const { stdout } = await run(t, ['serve', '--help']);
  const wanted: string[] = [];
  for (const type of Object.keys(FEED_TYPES) as FeedTypeName[]) {
    for (const option of optionsOf(type)) {
      t.match(option.meaning, /^[A-Z"].*\.$/, `${type}.${option.name} has a sentence`);
      t.ok(option.values !== '' && !option.values.includes('undefined'), `${type}.${option.name}`);
      t.ok(stdout.includes(`    ${option.name}: ${option.values} [`), `--help: ${type}.${option.name}`);
      t.ok(stdout.includes(`        ${option.meaning}\n`), `--help: ${type}.${option.name}`);
      wanted.push(rowOf(type, option));
    }
  }
  t.same(rows, wanted);
});
