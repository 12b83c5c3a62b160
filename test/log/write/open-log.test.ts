/** What opening gives back: epochs, definitions, positions and last values. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { codeOf } from '../../../src/core/errors.js';
import {
  Flag,
  KIND_MASK,
  Kind,
  RECORD_U32,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
} from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { LastValueTable, Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { bytesOf, drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

const SYMBOLS = 30;

function restore(opened: Awaited<ReturnType<typeof openLog>>): LastValueTable {
  const table = new LastValueTable(LastValueTable.allocate(1024), 1024);
  opened.restoreInto(table);
  return table;
}

/** The index of the last record of a kind of the symbol that is no late one, among those sent. */
function lastOf(shard: FakeShard, symbol: number, kind: number): number {
  for (let i = shard.head - 1; i >= 0; i--) {
    const head = shard.sent.u32[i * RECORD_U32 + U32_KIND_FLAGS_SOURCE];
    if (shard.sent.u32[i * RECORD_U32 + U32_SYMBOL] !== symbol || (head & KIND_MASK) !== kind) continue;
    if ((head & (Flag.late | Flag.crossed)) === 0) return i;
  }
  return -1;
}

t.test('last values, definitions and epochs come back', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const market = new Market(SYMBOLS, 5);
  let logId = '';
  for (let run = 1; run <= 3; run++) {
    const rig = await openRig(folder, SYMBOLS);
    t.equal(rig.opened.epoch, run);
    logId ||= rig.opened.logId;
    t.equal(rig.opened.logId, logId);
    t.match(logId, /^[0-9a-f]{16}$/);
    const stage = rig.stage();
    const shard = new FakeShard(rig.memory, 0, market, 20_000, true);
    await shard.publishAll(run * 5_000 + 77);
    await drain(rig, stage);
    const symbols = rig.registry.symbols.length;
    await rig.opened.close();

    const again = await openLog(folder, { shards: 1 });
    run++;
    const table = restore(again);
    const entry = new TableEntry();
    for (let id = 1; id <= SYMBOLS; id++) {
      table.read(id, entry);
      t.equal(entry.seq, 0);
      t.equal(entry.symbolSeq, 0);
      const quote = lastOf(shard, id, Kind.quote);
      const trade = lastOf(shard, id, Kind.trade);
      t.ok(bytesOf(entry.records, Slot.quote, 1).equals(bytesOf(shard.sent, quote, 1)), `quote of ${id}`);
      t.ok(bytesOf(entry.records, Slot.trade, 1).equals(bytesOf(shard.sent, trade, 1)), `trade of ${id}`);
      t.notOk(entry.has(Slot.status));
    }
    t.equal(symbols, SYMBOLS + 1);
    t.equal(Math.max(...again.positions[0].buckets), shard.head);
    await again.close();
  }
});

t.test('one engine a folder', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const opened = await openLog(folder, { shards: 1 });
  await t.rejects(openLog(folder, { shards: 1 }), {
    code: 'data_folder_locked',
    message: new RegExp(`process ${process.pid}`),
  });
  await opened.close();
  const dead = { pid: process.pid, started: 'another boot 1' };
  writeFileSync(path.join(folder, 'engine.lock'), JSON.stringify(dead));
  const again = await openLog(folder, { shards: 1 });
  t.equal(again.epoch, 2, 'the lock of a dead process is taken over');
  await again.close();
});

t.test('folders that cannot be', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  for (const bad of [file, path.join(file, 'deeper'), '/proc/tickwire']) {
    const error = await openLog(bad, { shards: 1 }).catch((e: unknown) => e);
    t.equal(codeOf(error), 'data_folder_unusable', bad);
  }
  t.throws(() => LogReader.open(folder), { code: 'log_missing' });
});

t.test('an empty epoch reads as one', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const opened = await openLog(folder, { shards: 2 });
  const reader = LogReader.open(folder);
  t.same(reader.bounds(opened.epoch, 0), { oldest: 1, newest: 0 });
  t.same(readAll(reader, opened.epoch, 1).seqs, []);
  t.equal(reader.epochs()[0].shards, 2);
  await reader.close();
  await opened.close();
});
