/** A cache of index pages, bounded in bytes; the least recently used pages are dropped first. */
import type { IndexPage } from './page.js';

export class PageCache {
  /** Cache misses; and blocks that were read because no page covered them. */
  pagesRead = 0;
  blocksRead = 0;
  readonly #pages = new Map<string, IndexPage>();
  #bytes = 0;

  constructor(readonly bytesMax: number) {}

  get(key: string): IndexPage | undefined {
    const page = this.#pages.get(key);
    if (page === undefined) return undefined;
    this.#pages.delete(key);
    this.#pages.set(key, page);
    return page;
  }

  set(key: string, page: IndexPage): void {
    this.#bytes += page.cost - (this.#pages.get(key)?.cost ?? 0);
    this.#pages.delete(key);
    this.#pages.set(key, page);
    for (const [oldest, { cost }] of this.#pages) {
      if (this.#bytes <= this.bytesMax || oldest === key) break;
      this.#pages.delete(oldest);
      this.#bytes -= cost;
    }
  }

  clear(): void {
    this.#pages.clear();
    this.#bytes = 0;
  }
}
