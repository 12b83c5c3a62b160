/** Where a replay begins and ends, as people write it. */
import t from 'tap';
import { parseBound } from '../../src/replay/range.js';

t.test('places', async (t) => {
  t.same(parseBound('3:1000'), { kind: 'seq', epoch: 3, seqs: [1000] });
  t.same(parseBound('1:5,7'), { kind: 'seq', epoch: 1, seqs: [5, 7] });
});

t.test('times are UTC unless they say otherwise, down to the nanosecond', async (t) => {
  const at = (seconds: number, nanos: number) => ({ kind: 'time', seconds, nanos });
  t.same(parseBound('2024-06-19T08:00:00Z'), at(1718784000, 0));
  t.same(parseBound('2024-06-19T08:00'), at(1718784000, 0));
  t.same(parseBound('2024-06-19T10:00:00+02:00'), at(1718784000, 0));
  t.same(parseBound('2024-06-19T08:00:00.123456789Z'), at(1718784000, 123456789));
  t.same(parseBound('2024-06-19'), at(1718755200, 0));
});

t.test('a time of a day is no place, and is told to need its date', async (t) => {
  for (const text of ['10:00', '08:30', '8:05', '08:30:15']) {
    t.throws(() => parseBound(text), { code: 'bad_config', message: /A time needs its date\.$/ }, text);
  }
  t.same(parseBound('10:30'), { kind: 'seq', epoch: 10, seqs: [30] });
  t.same(parseBound('1:0'), { kind: 'seq', epoch: 1, seqs: [0] });
});

t.test('anything else is refused', async (t) => {
  for (const text of ['', 'now', '3:', ':5', '3:x', '2024-13-01', '2024-02-30', '2024-06-19T24:00Z']) {
    t.throws(() => parseBound(text), { code: 'bad_config' }, text);
  }
});
