import { RowOrder } from './order.js';
import { type Column, Row } from './row.js';

const AGE_MS = 250;
const SORT_MS = 1000;
/** Rows kept above and below the visible ones, so that scrolling does not show an empty edge. */
const OVERSCAN = 8;
/** Pixels, until a row has been measured. */
const ROW_HEIGHT = 31;

function spacer(): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.className = 'spacer';
  row.ariaHidden = 'true';
  return row;
}

/**
 * The table of quotes. Ticks only mark rows, and one animation frame paints the marked ones. Only rows that
 * can be seen are in the document, between two spacers, so a frame costs the same for 8 symbols and 5,000.
 */
export class QuoteTable {
  readonly #rows = new Map<string, Row>();
  readonly #order = new RowOrder();
  readonly #table: HTMLTableElement;
  readonly #body: HTMLTableSectionElement;
  readonly #count: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #above = spacer();
  readonly #below = spacer();
  #dirty: Row[] = [];
  #window: readonly Row[] = [];
  readonly #lit = new Set<Row>();
  #scheduled = false;
  #unsorted = false;
  #moved = true;

  constructor(table: HTMLTableElement, count: HTMLElement, empty: HTMLElement, filter: HTMLInputElement) {
    this.#table = table;
    this.#body = table.tBodies[0];
    this.#count = count;
    this.#empty = empty;
    filter.addEventListener('input', () => {
      this.#order.filter(filter.value);
      this.#reorder();
    });
    for (const button of table.querySelectorAll<HTMLButtonElement>('button[data-sort]')) {
      button.addEventListener('click', () => this.#sortOn(button));
    }
    const move = () => this.#move();
    addEventListener('scroll', move, { passive: true });
    addEventListener('resize', move, { passive: true });
    setInterval(() => this.#paintAges(), AGE_MS);
    setInterval(() => this.#reorder(), SORT_MS);
  }

  /** The row of a symbol, created at its first mention. */
  row(symbol: string, digits: number): Row {
    let row = this.#rows.get(symbol);
    if (row === undefined) {
      row = new Row(symbol, digits);
      this.#rows.set(symbol, row);
      this.#order.add(row);
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
    // A row out of sight stays dirty, and is painted when it comes into sight.
    if (!row.visible) return;
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
    if (this.#unsorted) this.#reorder();
    if (this.#moved) this.#place(now);
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const row of dirty) if (row.visible) this.#paint(row, now);
    for (const row of this.#lit) if (!row.fade(now)) this.#lit.delete(row);
    if (this.#lit.size > 0 || this.#moved) this.#schedule();
  }

  #paint(row: Row, now: number): void {
    if (row.paint(now)) this.#lit.add(row);
  }

  /** Puts the rows that can be seen into the document. Everything is measured before anything is written. */
  #place(now: number): void {
    this.#moved = false;
    const shown = this.#order.shown;
    const height = this.#window[0]?.element.offsetHeight || ROW_HEIGHT;
    const top = -this.#body.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(shown.length, Math.floor(top / height)) - OVERSCAN);
    const last = Math.min(shown.length, Math.ceil((top + innerHeight) / height) + OVERSCAN);
    const rows = shown.slice(first, last);
    if (rows.length === this.#window.length && rows.every((row, i) => row === this.#window[i])) return;
    for (const row of this.#window) row.visible = false;
    this.#window = rows;
    rows.forEach((row, i) => {
      row.visible = true;
      row.element.ariaRowIndex = String(first + i + 2);
      if (row.dirty) this.#paint(row, now);
      else row.paintAge();
    });
    this.#above.style.height = `${first * height}px`;
    this.#below.style.height = `${(shown.length - last) * height}px`;
    this.#body.replaceChildren(this.#above, ...rows.map(({ element }) => element), this.#below);
  }

  #paintAges(): void {
    for (const row of this.#window) row.paintAge();
  }

  #move(): void {
    this.#moved = true;
    this.#schedule();
  }

  #reorder(): void {
    this.#unsorted = false;
    if (!this.#order.apply()) return;
    const { shown, all } = this.#order;
    const some = shown.length === all ? `${all}` : `${shown.length} of ${all}`;
    this.#count.textContent = all === 0 ? '' : `${some} ${all === 1 ? 'symbol' : 'symbols'}`;
    this.#table.ariaRowCount = String(shown.length + 1);
    this.#empty.hidden = shown.length > 0;
    if (all > 0) this.#empty.textContent = 'No symbol matches.';
    this.#move();
  }

  #sortOn(button: HTMLButtonElement): void {
    const isDescending = this.#order.sortOn(button.dataset.sort as Column);
    for (const head of this.#table.tHead!.rows[0].cells) head.removeAttribute('aria-sort');
    button.closest('th')!.ariaSort = isDescending ? 'descending' : 'ascending';
    this.#reorder();
  }
}
