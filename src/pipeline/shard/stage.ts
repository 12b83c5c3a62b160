/** A shard's thread: turns of work until the control word ends it. */

import { Doorbell, SpinThenPark } from '../memory/doorbell.js';
import { Command, type Control, type EngineMemory, FANOUT_DOORBELL } from '../memory/engine-memory.js';
import { Registry } from '../memory/registry.js';
import { Shard } from './shard.js';

/** Runs until told to stop at once, or to drain and everything that the feeds published is sequenced. */
export function runShard(memory: EngineMemory, stage: number, index: number, control: Control): void {
  const registry = new Registry(memory.registry, memory.plan.maxSymbols, stage);
  const shard = new Shard(memory, index, registry);
  const wait = new SpinThenPark(
    new Doorbell(memory.doorbells, stage),
    new Doorbell(memory.doorbells, FANOUT_DOORBELL),
  );
  for (;;) {
    const command = control.command;
    if (command === Command.stop) return;
    wait.before();
    const work = shard.doWork();
    if (work === 0 && command === Command.drain && shard.isDrained()) return;
    wait.after(work);
    control.turn();
  }
}
