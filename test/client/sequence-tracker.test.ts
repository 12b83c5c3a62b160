import t from 'tap';
import { SequenceTracker } from '../../src/client/sequence-tracker.js';

type Counted = [symbolSeq: number, what?: 'critical' | 'conflated' | 'snapshot'];

function count(tracker: SequenceTracker, ticks: Counted[], symbol = 3): SequenceTracker {
  for (const [symbolSeq, what] of ticks) {
    tracker.count(symbol, symbolSeq, what === 'critical', what === 'conflated', what === 'snapshot');
  }
  return tracker;
}

function begun(conflates: boolean, complete = true, epoch = 1): SequenceTracker {
  const tracker = new SequenceTracker(conflates, complete);
  tracker.enter(epoch);
  return tracker;
}

t.test('latest: jumps are conflation', async (t) => {
  t.match(count(begun(true), [[7], [12], [13]]), { received: 3, conflated: 4, gaps: 0, repeats: 0 });
});

t.test('latest: a trade that comes after a newer quote was not conflated', async (t) => {
  const tracker = count(begun(true), [[7], [12], [9, 'critical'], [10, 'critical'], [13, 'critical']]);
  t.match(tracker, { conflated: 2, repeats: 0 });
  t.match(count(tracker, [[10, 'critical']]), { conflated: 2, repeats: 1 });
});

t.test('latest: trades older than the first quote seen count as nothing', async (t) => {
  t.match(count(begun(true), [[12], [9, 'critical']]), { conflated: 0, repeats: 0 });
});

t.test('every: jumps are gaps, unless what was jumped over was conflated into the record', async (t) => {
  t.match(count(begun(false), [[1], [2], [5], [9, 'conflated']]), { conflated: 3, gaps: 2 });
});

t.test('every: with kinds left out a jump proves nothing', async (t) => {
  t.match(count(begun(false, false), [[1], [5]]), { conflated: 0, gaps: 0 });
});

t.test('every: the same tick again is a repeat, in a snapshot it is not', async (t) => {
  t.match(count(begun(false), [[4], [5], [5], [4], [5, 'snapshot']]), { repeats: 2, gaps: 0 });
});

t.test('every: state at the start does not say what the stream begins with', async (t) => {
  // Its newest tick may have been crossed, late, or of a kind that was left out of the state.
  const tracker = count(begun(false), [[5, 'snapshot'], [3, 'snapshot'], [9], [10], [12]]);
  t.match(tracker, { received: 5, gaps: 1, conflated: 0, repeats: 0 });
  const other = count(begun(false), [[5, 'snapshot']]);
  other.enter(2);
  t.match(count(other, [[4]]), { gaps: 3 }, 'of a later epoch it was to get everything');
});

t.test('symbolSeq wraps at 2^32', async (t) => {
  t.match(count(begun(false), [[0xffffffff], [0], [1]]), { gaps: 0, repeats: 0 });
});

t.test('a new epoch numbers from 1, so its first ticks can be missed as well', async (t) => {
  const tracker = count(begun(false), [[700]]);
  tracker.enter(2);
  t.match(count(tracker, [[1], [2]]), { gaps: 0, repeats: 0 });
  tracker.enter(3);
  t.match(count(tracker, [[4]]), { gaps: 3, repeats: 0 });
});

t.test('symbols are accounted apart, however many', async (t) => {
  const tracker = begun(false);
  for (let symbol = 0; symbol < 5000; symbol += 7) count(tracker, [[1], [2]], symbol);
  t.match(tracker, { gaps: 0, repeats: 0 });
});
