/** docs/api.txt is the library's face: the public declarations of this build are those of that file. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

t.test('the report in the repository is that of the build; "npm run api" writes it', async (t) => {
  const { apiReport } = (await import(`${ROOT}/build/api-report.js`)) as { apiReport(root: string): string };
  t.equal(apiReport(ROOT.replace(/\/$/, '')), readFileSync(`${ROOT}/docs/api.txt`, 'utf8'));
});

t.test('what hosts see of an engine', async (t) => {
  const report = readFileSync(`${ROOT}/docs/api.txt`, 'utf8');
  const [, engine] = /^interface Engine extends [^{]*\{([^}]*)\}/m.exec(report)!;
  t.notMatch(engine, /memory|table|supervisor|registry/);
  t.notMatch(report.split('== used')[0], /\b(EngineRuntime|SharedClock|VirtualClock)\b/);
});

t.test('the name of every exported error class ends in Error', async (t) => {
  const [exported] = readFileSync(`${ROOT}/docs/api.txt`, 'utf8').split('== used');
  const errors = [...exported.matchAll(/^class (\w+) extends (\w+)/gm)].filter(([, , base]) =>
    base.endsWith('Error'),
  );
  t.same(errors.map(([, name]) => name).sort(), ['ConnectionClosedError', 'ServerError', 'TickwireError']);
});
