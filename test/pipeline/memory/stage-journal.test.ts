/** A stage's journal says which batch a position fell into, as long as it holds its note. */
import t from 'tap';
import { StageJournal } from '../../../src/pipeline/memory/stage-journal.js';

const SLOTS = 8;

function journal(notes: [position: number, fromNs: number, untilNs: number][]): StageJournal {
  const journal = new StageJournal(StageJournal.allocate(SLOTS));
  for (const note of notes) journal.note(...note);
  return journal;
}

t.test('a position is found in the batch that ended with it or after it', async (t) => {
  const copy = journal([
    [10, 100, 110],
    [25, 200, 220],
    [26, 300, 330],
  ]).copy();
  t.equal(copy.notes, 3);
  t.same(
    [10, 11, 25, 26].map((position) => copy.find(position)),
    [0, 1, 1, 2],
  );
  t.same([copy.positionOf(1), copy.fromNs(1), copy.untilNs(1)], [25, 200, 220]);
  t.equal(copy.find(27), -1, 'none has come that far');
  t.equal(copy.find(9), -1, 'where the first batch that is held began is not known');
  t.equal(journal([]).copy().find(1), -1);
});

t.test('the oldest notes go first', async (t) => {
  const full = journal(Array.from({ length: 3 * SLOTS }, (_, i) => [i + 1, i, i]));
  const copy = full.copy();
  t.equal(copy.notes, SLOTS - 1, 'all but the slot that is written next');
  t.equal(copy.positionOf(0), 2 * SLOTS + 2);
  t.equal(copy.find(2 * SLOTS), -1);
  t.equal(copy.positionOf(copy.find(3 * SLOTS)), 3 * SLOTS);
});

t.test('slots are a power of two', async (t) => {
  t.throws(() => StageJournal.allocate(6), RangeError);
});
