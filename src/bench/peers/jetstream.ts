/** A JetStream stream that takes all that is published: created at the start, and acknowledging each message. */
import type { Outflow } from './outflow.js';

const STREAM = 'TICKS';
const API = '$JS.API.STREAM.CREATE';
const CRLF = '\r\n';
const ACK_SID = 1;
const CREATED_SID = 2;
/** Messages under way that are not yet acknowledged: as clients of NATS have it where they publish without waiting. */
const PENDING_MAX = 4096;
const CREATE_MS = 10_000;
/** Bytes of its file from which on the oldest ticks go. */
const BYTES_MAX = 1024 * 1024 * 1024;

/** The settings of the stream. */
export const streamSettings = {
  storage: 'file',
  retention: 'limits',
  max_bytes: BYTES_MAX,
  discard: 'old',
  'acknowledged, under way at most': PENDING_MAX,
} as const;

export class JetStream {
  readonly inbox = '_A';
  #pending = 0;
  #rest = '';
  #created: ((answer: string) => void) | undefined;
  /** Subscription whose message is the next line; 0: none. */
  #sid = 0;

  constructor(readonly out: Outflow) {}

  get isFull(): boolean {
    return this.#pending >= PENDING_MAX;
  }

  get isBehind(): boolean {
    return this.#pending > 0;
  }

  /** @throws Error if the server does not make the stream */
  async create(subjects: string[]): Promise<void> {
    const { storage, retention, max_bytes, discard } = streamSettings;
    const config = JSON.stringify({
      ...{ name: STREAM, subjects, storage, retention, max_bytes, discard },
      ...{ num_replicas: 1, max_consumers: -1, max_msgs: -1, max_age: 0, max_msg_size: -1 },
    });
    const lines = [
      `SUB ${this.inbox} ${ACK_SID}`,
      `SUB _C ${CREATED_SID}`,
      `PUB ${API}.${STREAM} _C ${Buffer.byteLength(config)}`,
      config,
      '',
    ];
    const answer = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('JetStream did not answer')), CREATE_MS);
      this.#created = (text) => {
        clearTimeout(timer);
        resolve(text);
      };
      this.out.write(Buffer.from(lines.join(CRLF)));
    });
    if (answer.includes('"error"')) throw new Error(`JetStream refused the stream: ${answer}`);
  }

  /** Counts a message that was published. */
  sent(): void {
    this.#pending++;
  }

  /** Takes what the server says: acknowledgements, and now and then whether its client is there. */
  take(data: Buffer): void {
    const text = this.#rest + data.toString('latin1');
    let from = 0;
    for (let end = text.indexOf(CRLF); end >= 0; end = text.indexOf(CRLF, from)) {
      this.#line(text, from, end);
      from = end + CRLF.length;
    }
    this.#rest = text.slice(from);
  }

  #line(text: string, from: number, end: number): void {
    if (this.#sid === ACK_SID) {
      this.#sid = 0;
      this.#pending--;
      const line = text.slice(from, end);
      if (line.includes('"error"')) throw new Error(`JetStream did not store a message: ${line}`);
    } else if (this.#sid === CREATED_SID) {
      this.#sid = 0;
      this.#created?.(text.slice(from, end));
    } else if (text.startsWith('MSG ', from)) {
      this.#sid = text.startsWith(`MSG ${this.inbox} `, from) ? ACK_SID : CREATED_SID;
    } else if (text.startsWith('PING', from)) {
      this.out.write(Buffer.from(`PONG${CRLF}`));
    } else if (text.startsWith('-ERR', from)) {
      throw new Error(`nats-server said ${text.slice(from, end)}`);
    }
  }
}
