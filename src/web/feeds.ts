import { age } from './format.js';

/** Milliseconds without a tick after which a feed looks slow, and dead. */
const SLOW_MS = 5_000;
const DEAD_MS = 30_000;

export interface FeedAge {
  feed: string;
  state: string;
  ageMs: number | null;
}

/** The list of feeds: a quiet market and a dead feed look different here. */
export class FeedList {
  readonly #list: HTMLElement;

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  show(feeds: readonly FeedAge[]): void {
    const items = feeds.map(({ feed, state, ageMs }) => {
      const item = document.createElement('li');
      const name = document.createElement('b');
      const detail = document.createElement('span');
      name.textContent = feed;
      detail.textContent = ageMs === null ? `${state}, no tick yet` : `${state}, last tick ${age(ageMs)} ago`;
      item.dataset.level = ageMs === null || ageMs > DEAD_MS ? 'dead' : ageMs > SLOW_MS ? 'slow' : 'live';
      item.append(name, detail);
      return item;
    });
    this.#list.replaceChildren(...items);
  }
}
