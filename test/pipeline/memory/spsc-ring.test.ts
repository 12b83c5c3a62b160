/** The raw ring at its edges: full, empty, and cursors that pass 2^31 and 2^32. */
import t from 'tap';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { allocateSlots, RingConsumer, RingProducer } from '../../../src/pipeline/memory/spsc-ring.js';

function ring(slots: number, from = 0) {
  const heads = new CommitCells(CommitCells.allocate(1), 1);
  const tails = new CommitCells(CommitCells.allocate(1), 1);
  for (const cells of [heads, tails]) {
    cells.prime()[0] = from;
    cells.commit();
  }
  const memory = allocateSlots(slots);
  const head = { cells: heads, word: 0 };
  const tail = { cells: tails, word: 0 };
  const publish = (cells: CommitCells, cursor: number) => {
    cells.prime()[0] = cursor;
    cells.commit();
  };
  return {
    producer: new RingProducer(memory, head, tail),
    consumer: new RingConsumer(memory, head, tail),
    write: (cursor: number) => publish(heads, cursor),
    read: (cursor: number) => publish(tails, cursor),
  };
}

t.test('slots are a power of two', async (t) => {
  for (const bad of [0, 3, -4, 1.5, 2 ** 31]) t.throws(() => allocateSlots(bad), RangeError);
  t.equal(allocateSlots(1).byteLength, 64);
});

for (const from of [0, 2 ** 31 - 3, 2 ** 32 - 3, 2 ** 52]) {
  t.test(`full and empty, counted from ${from}`, async (t) => {
    const { producer, consumer, write, read } = ring(4, from);
    t.equal(consumer.available(from), 0, 'empty');
    t.equal(producer.free(from, 1), 4);
    t.equal(producer.free(from + 4, 1), 0, 'pending records take room before they are published');
    t.equal(consumer.available(from), 0, 'and are not there before that');
    write(from + 4);
    t.equal(consumer.available(from), 4, 'full');
    t.equal(consumer.available(from + 3), 1);
    read(from + 1);
    t.equal(producer.free(from + 4, 1), 1, 'one is free again');
    t.equal(producer.free(from + 5, 1), 0);
    read(from + 4);
    t.equal(consumer.available(from + 4), 0);
    t.equal(producer.free(from + 4, 4), 4);
    t.same(
      [0, 1, 2, 3, 4].map((i) => producer.slot(from + i) === consumer.slot(from + i)),
      [true, true, true, true, true],
    );
    t.same(
      [1, 2, 3, 4].map((i) => (producer.slot(from + i) - producer.slot(from + i - 1)) & 3),
      [1, 1, 1, 1],
      'slots follow each other, over the wrap too',
    );
  });
}

t.test('what is free is exact when it is less than wanted', async (t) => {
  const { producer, write, read } = ring(8);
  write(8);
  t.equal(producer.free(8, 1), 0);
  read(3);
  t.equal(producer.free(8, 3), 3);
  read(5);
  t.equal(producer.free(8, 3), 3, 'the cached cursor is enough, and safe');
  t.equal(producer.free(8, 4), 5);
});
