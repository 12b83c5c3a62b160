/**
 * A subscriber without a socket: its frames and answers go to a function. It is served by the same code as a
 * connection, and takes everything at once.
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
  /** The host's own. */
  readonly address = '';
  readonly #operations: Operations;
  readonly #after: ServerMessage[] = [];
  #turn = 0;

  /** @param take gets every message; its bytes hold only during the call */
  constructor(
    readonly shared: SharedView,
    readonly encoding: Encoding,
    readonly take: (message: Uint8Array) => void,
  ) {
    this.encoder = shared.encoders[encoding];
    this.#operations = new Operations(shared, this, encoding, fanoutOptionsSchema.parse({}));
  }

  /** Begins a subscription at what is newest; the first message is its answer. */
  subscribe(request: Omit<Subscribe, 'op' | 'id' | 'from' | 'speed' | 'deliver'>): void {
    const id = this.#operations.subscriptions.length + 1;
    this.#operations.handle({ op: 'subscribe', id, ...request, speed: 'max', deliver: 'published' });
  }

  /** Sends one frame of what there is; true when there is more. */
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

  /** It joins no cohort. */
  leaveCohort(): void {}

  end(sub: number): void {
    this.#operations.end(sub);
  }
}
