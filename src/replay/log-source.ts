/** A tick log as a recording for a virtual engine. */

import type { Time } from '../core/time.js';
import type { FeedContext } from '../feeds/connector/feed.js';
import type { Source } from '../feeds/connector/feed-sink.js';
import { LogOffer } from './offer.js';
import type { LogStream } from './stream.js';
import type { LogSymbols } from './symbols.js';
import type { VirtualSource } from './virtual-run.js';

export class LogSource implements VirtualSource {
  readonly #offer: LogOffer;
  readonly #sources: Source[] = [];
  #next: Time | null = null;

  constructor(
    readonly stream: LogStream,
    readonly symbols: LogSymbols,
    context: FeedContext,
  ) {
    // Ticks keep the source that they came from: the registry of the log is the engine's own here.
    this.#offer = new LogOffer(context, symbols, (id) => (this.#sources[id] ??= sourceOf(id)));
    this.#advance();
  }

  next(): Time | null {
    return this.#next;
  }

  give(): boolean {
    if (!this.#offer.put(this.stream)) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    const { stream } = this;
    this.#next = stream.next() ? { seconds: stream.recvS, nanos: stream.recvNs } : null;
  }
}

function sourceOf(id: number): Source {
  return { id, local: 0, name: String(id), base: 0 };
}
