/** Index pages that were read, up to a bound of bytes; those used longest ago go first. */
import type { IndexPage } from './page.js';

export class PageCache {
  /** Pages that were not found here; and blocks that were looked at because no page told of them. */
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
