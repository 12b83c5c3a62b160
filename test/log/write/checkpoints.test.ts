/** A checkpoint is written once the commit that it was made with is on the disk, and never before. */
import t from 'tap';
import { LOG_CHECKPOINT_BLOCKS } from '../../../src/core/limits.js';
import type { Put } from '../../../src/log/lmdb/transaction.js';
import { Checkpoints } from '../../../src/log/write/checkpoints.js';
import type { Committer } from '../../../src/log/write/committer.js';
import type { LogState } from '../../../src/log/write/log-state.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';

/** What is written, and how often the state was told that all of it is to be written again. */
function rig() {
  const written: unknown[] = [];
  let made = 0;
  let touched = 0;
  const state = {
    checkpoint: (): Put[] => [{ key: 'checkpoint', value: ++made, isNew: false }],
    touchAll: () => {
      touched++;
    },
  } as unknown as LogState;
  const committer = {
    store: {},
    commitCheckpoint: async (puts: Put[]) => {
      written.push(...puts.map(({ value }) => value));
    },
  } as unknown as Committer;
  const checkpoints = new Checkpoints(state, committer, 1, (error) => {
    throw error;
  });
  return { checkpoints, written, touched: () => touched };
}

t.test('a flush of an earlier commit does not do', async (t) => {
  const { checkpoints, written } = rig();
  const now = performance.now();
  t.same(checkpoints.make(now, LOG_CHECKPOINT_BLOCKS - 1), [], 'not due yet');
  const puts = checkpoints.make(now, 1);
  t.equal(puts.length, 1);
  t.same(checkpoints.make(now, LOG_CHECKPOINT_BLOCKS), [], 'one at a time');
  checkpoints.durable(6);
  checkpoints.visible(puts, 7);
  checkpoints.durable(6);
  await turn();
  t.same(written, []);
  checkpoints.durable(8);
  await turn();
  t.same(written, [1], 'a flush of a later one does');
  t.equal(checkpoints.isWriting, false);
  t.equal(checkpoints.make(now, LOG_CHECKPOINT_BLOCKS).length, 1);
});

t.test('one whose commit failed is made again, of everything', async (t) => {
  const { checkpoints, touched } = rig();
  const puts = checkpoints.make(performance.now(), LOG_CHECKPOINT_BLOCKS);
  checkpoints.giveUp([]);
  t.equal(touched(), 0, 'another commit failed');
  checkpoints.giveUp(puts);
  t.equal(touched(), 1);
  t.equal(checkpoints.make(performance.now(), LOG_CHECKPOINT_BLOCKS).length, 1);
});
