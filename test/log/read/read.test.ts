/** Ways to read: filtered, by time, merged, by job. */
import { Piscina } from 'piscina';
import t from 'tap';
import type { RangeResult } from '../../../src/core/log-port.js';
import {
  KIND_MASK,
  Kind,
  RECORD_U32,
  Records,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { LogStream } from '../../../src/replay/stream.js';
import { bytesOf, drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

const TICKS = 20_000;

t.test('of one log', async (t) => {
  const folder = makeFolder();
  const rig = await openRig(folder, 20, { shards: 2 });
  const shards = [0, 1].map((s) => new FakeShard(rig.memory, s, new Market(20, 21 + s), TICKS));
  const stage = rig.stage();
  await Promise.all(shards.map((shard) => shard.publishAll(TICKS)));
  await drain(rig, stage);
  const reader = LogReader.open(folder);
  t.teardown(async () => {
    await reader.close();
    await rig.opened.close();
    removeFolder(folder);
  });
  const [{ sent }] = shards;
  const recv = (r: Records, i: number) =>
    r.u32[i * RECORD_U32 + U32_TS_RECV_S] * 1e9 + r.u32[i * RECORD_U32 + U32_TS_RECV_NS];

  t.test('watched symbols and kinds only', async (t) => {
    const filter = new Uint8Array(10);
    filter[3] = filter[9] = 1;
    const into = Records.allocate(100);
    const seqs = new Float64Array(100);
    const got: number[] = [];
    for (let fromSeq = 5; fromSeq <= 15_000; ) {
      const request = {
        epoch: 1,
        shard: 0,
        fromSeq,
        toSeq: 15_000,
        filter,
        kindsMask: 1 << Kind.trade,
        maxTicks: 100,
      };
      const result = reader.read(request, into, seqs);
      got.push(...seqs.subarray(0, result.count));
      fromSeq = result.nextSeq;
    }
    const wanted: number[] = [];
    for (let seq = 5; seq <= 15_000; seq++) {
      const w = (seq - 1) * RECORD_U32;
      if (filter[sent.u32[w]] === 1 && (sent.u32[w + 1] & KIND_MASK) === Kind.trade) wanted.push(seq);
    }
    t.same(got, wanted);
  });

  t.test('seek by time', async (t) => {
    for (const seq of [1, 2, 4097, 9_999, TICKS]) {
      const w = (seq - 1) * RECORD_U32;
      const found = reader.seekTime(1, 0, sent.u32[w + U32_TS_RECV_S], sent.u32[w + U32_TS_RECV_NS]);
      t.ok(found <= seq, 'not after it');
      t.equal(recv(sent, found - 1), recv(sent, seq - 1));
      t.ok(found === 1 || recv(sent, found - 2) < recv(sent, seq - 1), 'the first of that time');
    }
    t.equal(reader.seekTime(1, 0, 4_000_000_000, 0), TICKS + 1);
    t.equal(reader.seekTime(1, 0, 0, 0), 1);
  });

  t.test('shards merged', async (t) => {
    const next = [1, 1];
    let last = 0;
    let shardBefore = 0;
    const stream = new LogStream(reader, { filter: null });
    while (stream.next()) {
      const { seq, shard, records, index } = stream;
      if (seq !== next[shard]++) t.fail(`seq ${seq} of shard ${shard}`);
      const at = recv(records, index);
      if (at < last || (at === last && shard < shardBefore)) t.fail(`order at seq ${seq}`);
      last = at;
      shardBefore = shard;
    }
    t.same(next, [TICKS + 1, TICKS + 1]);
  });

  t.test('by job', async (t) => {
    const pool = new Piscina({
      filename: new URL('../../../src/log/read/worker.js', import.meta.url).href,
      maxThreads: 1,
    });
    const job = { folder, epoch: 1, shard: 0, fromSeq: 4000, filter: null, kindsMask: 0xff, maxTicks: 9000 };
    const answer = (await pool.run(job, { name: 'readRange' })) as RangeResult;
    t.equal(answer.count, 9000);
    t.equal(answer.nextSeq, 13_000);
    t.equal(answer.seqs[0], 4000);
    t.ok(bytesOf(new Records(answer.buffer), 0, 9000).equals(bytesOf(sent, 3999, 9000)));
    await pool.destroy();
  });
});
