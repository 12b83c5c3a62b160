/**
 * A log of many segments, each of them damaged in turn: whoever reads is told of every tick that it does not get,
 * also where the damage lies at the head or the tail of an epoch.
 */
import { cpSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { VirtualClock } from '../../src/core/clock.js';
import { RECORD_U32, type Records, U32_TS_RECV_S } from '../../src/core/tick.js';
import { bytesOfLog, Retention } from '../../src/log/maintain/retention.js';
import { LogReader, type LostSegment } from '../../src/log/read/log-reader.js';
import { LogVerifier } from '../../src/log/repair/verify.js';
import { openStore } from '../../src/log/storage/log-store.js';
import type { SegmentRecord } from '../../src/log/storage/segment-record.js';
import { IMPORTS_FROM, segmentPath } from '../../src/log/storage/segments.js';
import { turn } from '../../src/pipeline/memory/doorbell.js';
import { LogStream } from '../../src/replay/stream.js';
import type { StreamOptions } from '../../src/replay/stream-options.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport } from '../import/support.js';
import { drain, FakeShard, Market, openRig } from '../log/support.js';

const EPOCHS = 3;
const SEGMENTS = 4;
const SHARDS = 2;
const SYMBOLS = 4;
const SEGMENT_MS = 60_000;
const START_S = 1_700_000_040;
const TICKS = 600;
const DAY_MS = 86_400_000;

/** A market whose ticks are received when the test says. */
class TimedMarket extends Market {
  seconds = START_S;

  override write(r: Records, i: number): number {
    const id = super.write(r, i);
    r.u32[i * RECORD_U32 + U32_TS_RECV_S] = this.seconds;
    return id;
  }
}

/** Epochs of several segments each, one of them without ticks of shard 1. */
async function makeEpochs(data: string): Promise<void> {
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const startS = START_S + epoch * 3_600;
    const rolling = { segmentMs: SEGMENT_MS };
    const rig = await openRig(data, SYMBOLS, { shards: SHARDS, nowMs: startS * 1000, ...rolling });
    const clock = new VirtualClock();
    clock.set(startS, 0);
    const markets = Array.from({ length: SHARDS }, (_, s) => new TimedMarket(SYMBOLS, epoch * 7 + s));
    const shards = markets.map((market, s) => new FakeShard(rig.memory, s, market, 50_000));
    const stage = rig.stage({ ...rolling, commitDelayMs: 1 }, clock);
    for (let n = 0; n < SEGMENTS; n++) {
      const seconds = startS + n * (SEGMENT_MS / 1000);
      clock.set(seconds, 0);
      for (const market of markets) market.seconds = seconds;
      await shards[0].publishAll(TICKS);
      if (n !== 1) await shards[1].publishAll(TICKS);
      while (shards.some((shard) => shard.visible < shard.head)) await turn();
    }
    await drain(rig, stage);
    await rig.opened.close();
  }
}

async function makeImport(folder: string, data: string): Promise<void> {
  const days = [0, 1, 2].flatMap((day) =>
    quotes(TICKS, Date.UTC(2023, 10, 10) + day * DAY_MS, 1000, 110_000 + day * TICKS),
  );
  await runImport(data, [write(folder, 'S1_x.csv', fileOf(days))]);
}

/** Ways in which files are lost. Each takes a segment's folder. */
const DAMAGES: Record<string, (folder: string) => void> = {
  'cut in half': (folder) => {
    const file = path.join(folder, 'data.mdb');
    truncateSync(file, statSync(file).size >> 1);
  },
  emptied: (folder) => truncateSync(path.join(folder, 'data.mdb'), 0),
  'of other bytes': (folder) => writeFileSync(path.join(folder, 'data.mdb'), Buffer.alloc(20_000, 7)),
  'with its file removed': (folder) => rmSync(path.join(folder, 'data.mdb')),
  removed: (folder) => rmSync(folder, { recursive: true }),
};

const FIRST_DAMAGE = 'cut in half';

interface Told {
  /** `epoch/shard`, then the seqs that were read or told as missing. */
  seqs: Map<string, Set<number>>;
  read: number;
  missing: number;
  unknown: LostSegment[];
}

async function readAll(data: string, options: Omit<StreamOptions, 'onGap'>): Promise<Told> {
  const reader = LogReader.open(data);
  const told: Told = { seqs: new Map(), read: 0, missing: 0, unknown: [] };
  const of = (epoch: number, shard: number): Set<number> => {
    const name = `${epoch}/${shard}`;
    let seqs = told.seqs.get(name);
    if (seqs === undefined) {
      seqs = new Set();
      told.seqs.set(name, seqs);
    }
    return seqs;
  };
  try {
    const stream = new LogStream(reader, {
      ...options,
      onGap(epoch, shard, { first, last }) {
        const seqs = of(epoch, shard);
        told.missing += last - first + 1;
        for (let seq = first; seq <= last; seq++) seqs.add(seq);
      },
    });
    while (stream.next()) {
      told.read++;
      of(stream.epoch, stream.shard).add(stream.seq);
    }
    told.unknown = reader.lostSegments().filter(({ isKnown }) => !isKnown);
  } finally {
    await reader.close();
  }
  return told;
}

/** What of `whole` was neither read nor told as missing. */
function untold(whole: Told, told: Told): string[] {
  return [...whole.seqs].flatMap(([name, seqs]) => {
    const lost = [...seqs].filter((seq) => told.seqs.get(name)?.has(seq) !== true);
    return lost.length === 0 ? [] : [`${name}: ${lost[0]} to ${lost.at(-1)}`];
  });
}

const only = (id: number): Uint8Array =>
  Uint8Array.from({ length: SYMBOLS + 1 }, (_, symbol) => (symbol === id ? 1 : 0));
const at = (seconds: number) => ({ kind: 'time', seconds, nanos: 0 }) as const;

t.test('every segment, in every way', { timeout: 300_000 }, async (t) => {
  const folder = t.testdir();
  const data = path.join(folder, 'data');
  await makeEpochs(data);
  await makeImport(folder, data);
  const store = openStore(data, { readOnly: true });
  const segments: SegmentRecord[] = [...store.segments()];
  await store.close();
  t.ok(segments.length >= EPOCHS * SEGMENTS, `${segments.length} segments`);

  const midS = START_S + 3_600;
  const ranges: Record<string, Omit<StreamOptions, 'onGap'>> = {
    everything: { filter: null },
    'one symbol': { filter: only(2) },
    'from a time': { filter: null, from: at(midS + 61) },
    'to a time': { filter: null, to: at(midS + 119) },
    'from a place': { filter: null, from: { kind: 'seq', epoch: 2, seqs: [TICKS + 5] } },
    'to a place': { filter: null, to: { kind: 'seq', epoch: 2, seqs: [2 * TICKS + 5] } },
  };
  const whole = new Map<string, Told>();
  for (const [name, range] of Object.entries(ranges)) whole.set(name, await readAll(data, range));
  t.equal(whole.get('everything')!.missing, 0);

  let copies = 0;
  for (const [how, damage] of Object.entries(DAMAGES)) {
    for (const [n, record] of segments.entries()) {
      // The kind of damage matters little: each but the first is tried on a few.
      if (how !== FIRST_DAMAGE && n % 5 !== 0) continue;
      const copy = path.join(folder, `copy-${++copies}`);
      cpSync(data, copy, { recursive: true });
      damage(segmentPath(copy, record.folder));
      const isOpen = record.ranges === undefined;
      const what = `${record.folder} ${how}`;
      for (const [name, range] of Object.entries(ranges)) {
        if (how !== FIRST_DAMAGE && name !== 'everything') continue;
        const told = await readAll(copy, range);
        const before = whole.get(name)!;
        // Of an open segment the catalog knows no seqs: it is named instead.
        if (isOpen && told.unknown.length > 0) continue;
        const lost = untold(before, told);
        t.same(lost, [], `${what}, ${name}: ${told.read} of ${before.read} read, nothing untold`);
        if (name === 'everything') t.equal(told.read + told.missing, before.read, 'each once');
      }
      const damaged = openStore(copy, { readOnly: true });
      const verified = await new LogVerifier(damaged, SYMBOLS + 1).run(async () => false);
      await damaged.close();
      t.ok(verified.catalog.length > 0, `${what}: verify names it`);
      t.notMatch(verified.catalog.join(), /folder of segment/);
      if (how === FIRST_DAMAGE) t.match(verified.catalog.join(), /its end is missing/);
      rmSync(copy, { recursive: true });
    }
  }
});

t.test('what lies outside of a range is not told', async (t) => {
  const folder = t.testdir();
  const data = path.join(folder, 'data');
  await makeEpochs(data);
  const store = openStore(data, { readOnly: true });
  const closed = store
    .segments()
    .filter(({ ranges, number }) => ranges !== undefined && number < IMPORTS_FROM);
  await store.close();
  const startsAt = (record: SegmentRecord): number => record.startsAt / 1000;
  for (const record of closed) {
    const copy = path.join(folder, `copy-${record.number}`);
    cpSync(data, copy, { recursive: true });
    DAMAGES[FIRST_DAMAGE](segmentPath(copy, record.folder));
    const before = await readAll(copy, { filter: null, to: at(startsAt(record)) });
    t.equal(before.missing, 0, `to ${record.folder}`);
    const after = await readAll(copy, { filter: null, from: at(startsAt(record) + SEGMENT_MS / 1000) });
    t.equal(after.missing, 0, `from the end of ${record.folder}`);
    rmSync(copy, { recursive: true });
  }
});

t.test('what retention removed is no gap at the beginning, and one after a place', async (t) => {
  const data = path.join(t.testdir(), 'data');
  await makeEpochs(data);
  const whole = await readAll(data, { filter: null });
  const store = openStore(data);
  await new Retention(store, { totalBytes: bytesOfLog(store) / 2 }, () => {}).look(Date.now());
  await store.close();
  const left = await readAll(data, { filter: null });
  t.ok(left.read > 0 && left.read < whole.read, `${left.read} of ${whole.read} are left`);
  t.equal(left.missing, 0, 'it begins with the oldest that is held');
  const placed = await readAll(data, { filter: null, from: { kind: 'seq', epoch: 1, seqs: [1] } });
  t.equal(placed.read, left.read);
  t.equal(placed.missing, whole.read - left.read, 'a place was asked for, and what follows it is gone');
  const timed = await readAll(data, { filter: null, from: at(0) });
  t.same([timed.read, timed.missing], [left.read, 0]);
});
