import { type Column, Row } from './row.js';

const AGE_MS = 250;
const SORT_MS = 1000;

/**
 * The table of quotes. Ticks only mark rows; one animation frame paints the marked rows that can be seen,
 * and reads nothing back from the layout, so the cost of a frame is bounded by the window's height.
 */
export class QuoteTable {
  readonly #rows = new Map<string, Row>();
  readonly #ofElement = new Map<Element, Row>();
  readonly #body: HTMLTableSectionElement;
  readonly #count: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #visibility: IntersectionObserver;
  #dirty: Row[] = [];
  #lit = new Set<Row>();
  #scheduled = false;
  #sortBy: Column = 'symbol';
  #descending = false;
  #order: Row[] = [];
  #unsorted = false;
  #terms: string[] = [];

  constructor(table: HTMLTableElement, count: HTMLElement, empty: HTMLElement, filter: HTMLInputElement) {
    this.#body = table.tBodies[0];
    this.#count = count;
    this.#empty = empty;
    this.#visibility = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '200px' });
    filter.addEventListener('input', () => this.#filter(filter.value));
    for (const button of table.querySelectorAll<HTMLButtonElement>('button[data-sort]')) {
      button.addEventListener('click', () => this.#sortOn(table, button));
    }
    setInterval(() => this.#paintAges(), AGE_MS);
    setInterval(() => this.#sort(), SORT_MS);
  }

  /** The row of a symbol, made at its first mention. */
  row(symbol: string, digits: number): Row {
    let row = this.#rows.get(symbol);
    if (row === undefined) {
      row = new Row(symbol, digits);
      this.#rows.set(symbol, row);
      this.#ofElement.set(row.element, row);
      this.#order.push(row);
      row.element.hidden = !this.#matches(row);
      this.#unsorted = true;
      this.#schedule();
    }
    row.digits = digits;
    return row;
  }

  /** To be called after a row's state changed. */
  mark(row: Row): void {
    if (row.dirty) return;
    row.dirty = true;
    this.#dirty.push(row);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now: number): void {
    this.#scheduled = false;
    if (this.#unsorted) this.#sort();
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const row of dirty) {
      // An unseen row stays dirty but unlisted: coming into sight lists it again.
      if (row.visible && row.paint(now)) this.#lit.add(row);
    }
    for (const row of this.#lit) if (!row.fade(now)) this.#lit.delete(row);
    if (this.#lit.size > 0) this.#schedule();
  }

  #seen(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const row = this.#ofElement.get(entry.target);
      if (row === undefined) continue;
      row.visible = entry.isIntersecting;
      if (row.visible && row.dirty) this.#dirty.push(row);
    }
    if (this.#dirty.length > 0) this.#schedule();
  }

  #paintAges(): void {
    for (const row of this.#order) if (row.visible) row.paintAge();
  }

  #matches(row: Row): boolean {
    return this.#terms.length === 0 || this.#terms.some((term) => row.symbol.toLowerCase().includes(term));
  }

  #filter(text: string): void {
    this.#terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of this.#order) row.element.hidden = !this.#matches(row);
    this.#describe();
  }

  #describe(): void {
    const shown = this.#order.reduce((sum, row) => sum + (row.element.hidden ? 0 : 1), 0);
    const all = this.#order.length;
    this.#count.textContent =
      all === 0 ? '' : shown === all ? `${all} symbols` : `${shown} of ${all} symbols`;
    this.#empty.hidden = shown > 0;
    if (all > 0) this.#empty.textContent = 'No symbol matches.';
  }

  #sortOn(table: HTMLTableElement, button: HTMLButtonElement): void {
    const column = button.dataset.sort as Column;
    this.#descending = this.#sortBy === column ? !this.#descending : column !== 'symbol' && column !== 'age';
    this.#sortBy = column;
    for (const head of table.tHead!.rows[0].cells) head.removeAttribute('aria-sort');
    button.closest('th')!.setAttribute('aria-sort', this.#descending ? 'descending' : 'ascending');
    this.#sort();
  }

  #key(row: Row): number {
    if (this.#sortBy === 'age') return -row.tickAt;
    return this.#sortBy === 'symbol' ? 0 : row[this.#sortBy];
  }

  /** Puts the rows in order. The document is touched only where the order changed. */
  #sort(): void {
    const sign = this.#descending ? -1 : 1;
    const bySymbol = this.#sortBy === 'symbol';
    const keys = new Map(bySymbol ? [] : this.#order.map((row) => [row, this.#key(row)]));
    const before = this.#unsorted ? [] : this.#order;
    this.#order = [...this.#order].sort((a, b) => {
      const byName = a.symbol < b.symbol ? -1 : 1;
      if (bySymbol) return sign * byName;
      const x = keys.get(a)!;
      const y = keys.get(b)!;
      // What has no value comes last, whichever the direction.
      if (Number.isNaN(x) || Number.isNaN(y))
        return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || byName;
      return sign * (x - y) || byName;
    });
    if (this.#order.every((row, i) => row === before[i])) return;
    this.#body.append(...this.#order.map((row) => row.element));
    if (!this.#unsorted) return;
    this.#unsorted = false;
    for (const row of this.#order) this.#visibility.observe(row.element);
    this.#describe();
  }
}
