/** The last-value table in one thread: entries, their emptiness, and versions left odd by a dead writer. */
import t from 'tap';
import { Records, writeHeader, writeQuote } from '../../../src/core/tick.js';
import {
  ENTRY_BYTES,
  ENTRY_F64,
  EntryF64,
  LastValueTable,
  Slot,
  TableEntry,
} from '../../../src/pipeline/memory/last-value-table.js';

t.test('an entry that never ticked', async (t) => {
  const table = new LastValueTable(LastValueTable.allocate(4), 4);
  const entry = new TableEntry();
  for (let id = 0; id < 4; id++) {
    t.ok(table.read(id, entry));
    t.same(
      [Slot.quote, Slot.trade, Slot.status].map((s) => entry.has(s)),
      [false, false, false],
    );
    t.ok(Number.isNaN(entry.f64[EntryF64.bid]) && Number.isNaN(entry.f64[EntryF64.askSize]));
    t.equal(entry.seq, 0);
    t.equal(entry.symbolSeq, 0);
    t.equal(table.lastSeq(id), 0);
  }
});

t.test('a whole entry is written and read back, beside its neighbours', async (t) => {
  t.equal(ENTRY_BYTES, 320);
  const table = new LastValueTable(LastValueTable.allocate(3), 3);
  const record = Records.allocate(1);
  writeHeader(record, 0, 1, 0, 2, 3, 4);
  writeQuote(record, 0, 1.5, 1.6, 7, 8);
  const entry = new TableEntry();
  entry.clear();
  entry.setRecord(Slot.trade, record, 0);
  entry.f64[EntryF64.seq] = 2 ** 40;
  table.write(1, entry);
  const back = new TableEntry();
  t.ok(table.read(1, back));
  t.same([...back.u32.subarray(1)], [...entry.u32.subarray(1)]);
  t.ok(back.has(Slot.trade));
  t.notOk(back.has(Slot.quote));
  t.equal(table.lastSeq(1), 2 ** 40);
  for (const id of [0, 2]) {
    table.read(id, back);
    t.notOk(back.has(Slot.trade));
  }
});

t.test('an odd version: refused to readers, taken over by the next writer', async (t) => {
  const table = new LastValueTable(LastValueTable.allocate(2), 2);
  const entry = new TableEntry();
  table.begin(1);
  t.ok(table.isTorn(1));
  t.notOk(table.read(1, entry));
  t.ok(table.read(0, entry), 'others are none the worse');
  table.begin(1);
  t.ok(table.isTorn(1), 'begun again it stays odd');
  table.f64[ENTRY_F64 + EntryF64.seq] = 9;
  table.end(1);
  t.notOk(table.isTorn(1));
  t.ok(table.read(1, entry));
  t.equal(entry.seq, 9);
});

t.test('the version wraps', async (t) => {
  const table = new LastValueTable(LastValueTable.allocate(1), 1);
  const entry = new TableEntry();
  for (const version of [0x7ffffffe, -2]) {
    table.u32[0] = version;
    table.begin(0);
    t.ok(table.isTorn(0));
    table.end(0);
    t.ok(table.read(0, entry));
  }
});

t.test('applied, by shard', async (t) => {
  const memory = LastValueTable.allocate(1);
  const table = new LastValueTable(memory, 1);
  table.setApplied(0, 2 ** 40);
  table.setApplied(15, 7);
  const other = new LastValueTable(memory, 1);
  t.same([other.applied(0), other.applied(1), other.applied(15)], [2 ** 40, 0, 7]);
  const entry = new TableEntry();
  other.read(0, entry);
  t.notOk(entry.has(Slot.quote), 'the header reaches into no entry');
});
