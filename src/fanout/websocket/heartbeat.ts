/** One heartbeat for all connections that are due at the same time, encoded once per encoding. */
import { nanoseconds } from '../../core/tick-record.js';
import { jsonControl } from '../../wire/json.js';
import { packControl } from '../../wire/msgpack.js';
import type { Encoding, Heartbeat } from '../../wire/ticks.js';
import type { SharedView } from '../batch/shared-view.js';

export class HeartbeatBytes {
  #text: Uint8Array | undefined;
  #packed: Uint8Array | undefined;

  constructor(readonly shared: SharedView) {}

  of(encoding: Encoding): Uint8Array {
    if (encoding === 'json') return (this.#text ??= Buffer.from(jsonControl(this.#message())));
    return (this.#packed ??= packControl(this.#message()));
  }

  #message(): Heartbeat {
    const { clock, ports } = this.shared;
    clock.stamp();
    const feeds = ports.feeds().map(({ name, state, ageMs }) => ({ feed: name, state, ageMs }));
    return { op: 'heartbeat', time: nanoseconds(clock.seconds, clock.nanos), feeds };
  }
}
