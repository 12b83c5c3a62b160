/**
 * A subscriber without a socket: a function takes its frames and answers. The same code serves it as a connection, but it
 * has no send window.
 */
import { FRAME_BYTES_MAX } from '../../core/limits.js';
import { jsonControl } from '../../wire/json.js';
import { packControl } from '../../wire/msgpack.js';
import type { TickEncoder } from '../../wire/payload.js';
import type { Encoding, ServerMessage } from '../../wire/ticks.js';
import type { Frame, FrameTarget } from '../batch/frame.js';
import type { SharedView } from '../batch/shared-view.js';
import { fanoutOptionsSchema } from '../contract/options.js';
import { fillFrame } from './fill-frame.js';
import { Operations, type OperationsHost } from './operations.js';
import type { Subscribe } from './requests.js';

export class CallbackSubscriber implements FrameTarget, OperationsHost {
  readonly encoder: TickEncoder;
  readonly isClosed = false;
  /** Empty: the quotas of the host itself. */
  readonly address = '';
  readonly #operations: Operations;
  readonly #after: ServerMessage[] = [];
  #turn = 0;

  /** @param take is called with every message; the bytes are valid only during the call */
  constructor(
    readonly shared: SharedView,
    readonly encoding: Encoding,
    readonly take: (message: Uint8Array) => void,
  ) {
    this.encoder = shared.encoders[encoding];
    this.#operations = new Operations(shared, this, encoding, fanoutOptionsSchema.parse({}));
  }

  /** Begins a subscription at the newest tick. The first message is the answer, `subscribed` or `error`. */
  subscribe(request: Omit<Subscribe, 'op' | 'id' | 'from' | 'speed' | 'deliver'>): void {
    const id = this.#operations.subscriptions.length + 1;
    this.#operations.handle({ op: 'subscribe', id, ...request, speed: 'max', deliver: 'published' });
  }

  /** Sends one frame. True when there is more to send. */
  flush(frame: Frame): boolean {
    const { subscriptions } = this.#operations;
    if (subscriptions.length === 0) return false;
    frame.begin(this, FRAME_BYTES_MAX);
    const all = fillFrame(frame, subscriptions, this.#turn++, () => FRAME_BYTES_MAX);
    frame.finish();
    for (const message of this.#after.splice(0)) this.control(message);
    return !all;
  }

  control(message: ServerMessage): void {
    this.take(this.encoding === 'json' ? Buffer.from(jsonControl(message)) : packControl(message));
  }

  controlAfterFrame(message: ServerMessage): void {
    this.#after.push(message);
  }

  transmit(message: Uint8Array): void {
    this.take(message);
  }

  /** Does nothing: a callback subscriber joins no cohort. */
  leaveCohort(): void {}

  end(sub: number): void {
    this.#operations.end(sub);
  }
}
