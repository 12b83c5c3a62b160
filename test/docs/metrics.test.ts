/** The table of metrics in the docs has each that `/metrics` tells, and no other. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { serve, temporaryFolder } from '../cli/support.js';

const OPERATIONS = new URL('../../../docs/operations.md', import.meta.url);

/** The names of a cell: `a_{b,c}_total` stands for two. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => {
    const [, before, list, after] = /^(.*)\{(.*)\}(.*)$/.exec(text) ?? ['', text, '', ''];
    return list.split(',').map((part) => `tickwire_${before}${part}${after}`);
  });
}

t.test('each metric', async (t) => {
  const [, section] = readFileSync(OPERATIONS, 'utf8').split('\n## Metrics\n');
  const rows = section
    .split('\n## ')[0]
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const told = rows.flatMap((row) => namesIn(row.split('|')[1]));

  const { server, port } = await serve(t, ['--data', temporaryFolder(t), '--feed', 'synthetic={"rate":10}']);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const served = [...text.matchAll(/^# TYPE (tickwire_\w+)/gm)].map(([, name]) => name);
  await server.stop();
  t.same(told.sort(), served.sort());
});
