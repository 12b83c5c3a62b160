/** The build writes imported constants as numbers: what the hot path's speed rests on. */
import { readFileSync } from 'node:fs';
import t from 'tap';

t.test('compiled code uses no named offsets', async (t) => {
  for (const file of [
    'pipeline/shard/normaliser',
    'pipeline/shard/symbol-states',
    'pipeline/shard/shard',
    'pipeline/memory/last-value-table',
    'feeds/connector/feed-sink',
    'feeds/synthetic/market',
    'log/format/block',
  ]) {
    const text = readFileSync(new URL(`../src/${file}.js`, import.meta.url), 'utf8');
    const body = text.replace(/^import [^;]*;$/gm, '');
    t.notMatch(body, /\b(U32_|F64_|RECORD_U32|Kind\.quote|FeedWord\.heads|ShardWord\.head\b)/, file);
    t.match(body, /\* 16\b/, `${file} has the number of words of a record`);
  }
});
