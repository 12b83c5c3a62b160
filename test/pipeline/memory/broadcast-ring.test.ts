/** The broadcast ring's intent: how far a writer may have gone, and what a reader may still trust. */
import t from 'tap';
import {
  allocateBroadcast,
  BroadcastReader,
  BroadcastWriter,
} from '../../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';

const SLOTS = 16;

function ring(head: number) {
  const cells = new CommitCells(CommitCells.allocate(1), 1);
  const setHead = (seq: number) => {
    cells.prime()[0] = seq;
    cells.commit();
  };
  setHead(head);
  const memory = allocateBroadcast(SLOTS);
  new Int32Array(memory.buffer, 0, 1)[0] = head | 0;
  return {
    memory,
    setHead,
    writer: new BroadcastWriter(memory, SLOTS),
    reader: new BroadcastReader(memory, SLOTS, { cells, word: 0 }),
  };
}

t.test('slots are a power of two', async (t) => {
  for (const bad of [0, 3, 100]) t.throws(() => allocateBroadcast(bad), RangeError);
});

t.test('a new ring holds nothing, and nothing of it is lost', async (t) => {
  const { reader, writer } = ring(0);
  t.equal(reader.head(), 0);
  t.equal(reader.oldest(), 1);
  writer.intend(SLOTS);
  t.equal(reader.oldest(), 1, 'a first round of the ring overwrites nothing');
  writer.intend(SLOTS + 1);
  t.equal(reader.oldest(), 2);
});

for (const head of [100, 2 ** 31 - 20, 2 ** 31, 2 ** 32 - 20, 2 ** 32 + 5, 3 * 2 ** 32 - 1]) {
  t.test(`from ${head}: oldest is intent − capacity + 1`, async (t) => {
    const { reader, writer, setHead } = ring(head);
    for (let seq = head; seq < head + 60; seq += 3) {
      writer.intend(seq + 7);
      t.equal(reader.oldest(), seq + 7 - SLOTS + 1);
      setHead(seq + 3);
      t.equal(reader.oldest(), seq + 7 - SLOTS + 1, 'the commit changes nothing of it');
      t.equal(reader.head(), seq + 3);
    }
    t.equal(reader.slot(head + SLOTS), reader.slot(head));
    t.equal((reader.slot(head + 1) - reader.slot(head)) & (SLOTS - 1), 1);
  });

  t.test(`from ${head}: the intent of a dead writer remains`, async (t) => {
    const { memory, reader, writer } = ring(head);
    writer.intend(head + 10);
    const afresh = new BroadcastWriter(memory, SLOTS);
    afresh.intend(head + 4);
    t.equal(reader.oldest(), head + 10 - SLOTS + 1);
    afresh.intend(head + 10);
    t.equal(reader.oldest(), head + 10 - SLOTS + 1);
    afresh.intend(head + 11);
    t.equal(reader.oldest(), head + 11 - SLOTS + 1);
  });
}
