/** What the pages and the headers of the libraries show: prices are read of the kind that has them. */
import { readFileSync } from 'node:fs';
import t from 'tap';

const ROOT = new URL('../../../', import.meta.url);
const SHOWN = ['README.md', 'docs/client.md', 'src/index.ts', 'src/client/index.ts', 'examples/client.ts'];
const OWN = /tick\.(bid|ask|bidSize|askSize|price|size|side|tradeId|code|reason|first|last|count|args)\b/;

for (const name of SHOWN) {
  t.test(name, async (t) => {
    const lines = readFileSync(new URL(name, ROOT), 'utf8').split('\n');
    const reading = lines.filter((line) => OWN.test(line));
    t.ok(reading.length > 0);
    t.same(
      reading.filter((line) => !line.includes('tick.kind ===')),
      [],
    );
  });
}
