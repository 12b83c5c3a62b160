/** What differs between two results, and what only seems to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compare, compareFiles, comparisonLines } from '../../../src/bench/harness/compare.js';
import { figure, type ScenarioResult } from '../../../src/bench/harness/scenario.js';

function result(
  runs: number[],
  ns: number[] = [5, 5, 5, 5, 5],
  more: Partial<ScenarioResult> = {},
): ScenarioResult {
  return {
    scenario: 'ring',
    valid: true,
    why: [],
    figures: { perSecond: figure('records/s', 'higher', runs), nsEach: figure('ns', 'lower', ns) },
    process: {
      cpuSeconds: 1,
      rssBytesMax: 1,
      contextSwitches: { voluntary: 0, involuntary: 0 },
      gc: { count: 0, ms: 0, msMax: 0 },
    },
    options: { seconds: 1 },
    machine: { cpu: 'x', cores: 2, node: 'v20' },
    ...more,
  };
}

const verdicts = (before: ScenarioResult, after: ScenarioResult) =>
  compare([before], [after], 0.05).differences.map((d) => d.verdict);

t.test('clear differences are reported with their direction', async (t) => {
  const before = result([100, 101, 99, 102, 100], [10, 11, 10, 10, 10]);
  const after = result([80, 81, 79, 82, 80], [8, 8, 8, 9, 8]);
  t.same(verdicts(before, after), ['worse', 'better']);
  t.same(verdicts(after, before), ['better', 'worse']);
  const { differences, worse, notes } = compare([before], [after], 0.05);
  t.same(worse, ['ring perSecond']);
  t.same(notes, []);
  t.equal(differences[0].ratio, 0.8);
  const [low, high] = differences[0].interval;
  t.ok(low > 0.75 && low <= 0.8 && high >= 0.8 && high < 0.85, `${low} to ${high}`);
  t.ok(differences[0].p! < 0.05);
  t.match(
    comparisonLines({ differences, worse, notes })[0],
    /ring perSecond .*100 → 80 records\/s .*× 0\.800 .*worse/,
  );
});

t.test('noise is not a difference, and neither is what the tolerance covers', async (t) => {
  t.same(verdicts(result([100, 60, 140, 90, 110]), result([88, 130, 55, 92, 101])), ['same', 'same']);
  t.same(verdicts(result([100, 101, 100, 100, 101]), result([98, 97, 98, 98, 97])), ['same', 'same']);
});

t.test('few runs count as different only when they do not overlap', async (t) => {
  const few = compare([result([100, 101], [5])], [result([70, 72], [9])], 0.05);
  t.same(
    few.differences.map((d) => [d.p, d.verdict]),
    [
      [null, 'worse'],
      // One run on a side says nothing of the spread.
      [null, 'same'],
    ],
  );
  t.same(verdicts(result([100, 70]), result([90, 60])), ['same', 'same']);
});

t.test('what keeps two results from being compared is said', async (t) => {
  const other = result([1], [1], { valid: false, options: { seconds: 2 } });
  t.same(compare([result([1])], [other], 0.05).notes, [
    'ring is not valid after',
    'ring ran with other options',
  ]);
  t.same(compare([result([1])], [], 0.05).notes, ['ring is missing after']);
});

t.test('files hold one result or many; others are refused', async (t) => {
  const folder = t.testdir();
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const one = file('one.json', JSON.stringify(result([1])));
  const many = file('many.json', JSON.stringify([result([1])]));
  t.equal(compareFiles(one, many, 0.05).differences.length, 2);
  const before = [10, 11, 10, 10].map((run) => JSON.stringify(result([run]))).join('\n');
  const after = [8, 8, 8, 7].map((run) => JSON.stringify(result([run]))).join('\n');
  const alternated = compareFiles(file('before.jsonl', before), file('after.jsonl', `${after}\n`), 0.05);
  t.same(alternated.worse, ['ring perSecond'], 'results of one scenario are runs of it');
  t.throws(() => compareFiles(one, file('bad.json', '{'), 0.05), { code: 'bad_input' });
  t.throws(() => compareFiles(one, file('other.json', '[]'), 0.05), { code: 'bad_input' });
  t.throws(() => compareFiles(one, join(folder, 'none.json'), 0.05), { code: 'bad_input' });
});
