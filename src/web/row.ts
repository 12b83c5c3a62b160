import { age, grouped } from './format.js';

/** Milliseconds that a changed price stays lit before it fades. */
const FLASH_MS = 220;

const CELLS = ['symbol', 'bid', 'ask', 'spread', 'last', 'age', 'seq', 'conflated'] as const;
export type Column = (typeof CELLS)[number];
const CLASS: Record<Column, string> = {
  symbol: 'symbol',
  bid: 'price',
  ask: 'price',
  spread: 'spread',
  last: 'price trade',
  age: 'age',
  seq: 'seq',
  conflated: 'conflated',
};
const FLASHING = ['bid', 'ask', 'last'] as const;

/** One symbol's state, and the table row that shows it. State changes with each tick, the row once a frame. */
export class Row {
  readonly symbol: string;
  readonly element: HTMLTableRowElement;
  digits: number;
  bid = Number.NaN;
  ask = Number.NaN;
  last = Number.NaN;
  /** Local time of the last tick, UNIX milliseconds. */
  tickAt = Number.NaN;
  seq = 0;
  stale = false;
  /** Whether the row is in the document; the others are not painted. */
  visible = false;
  dirty = false;
  #epoch = -1;
  #seqFirst = 0;
  #received = 0;
  #litUntil = 0;
  readonly #cells = {} as Record<Column, { cell: HTMLTableCellElement; text: Text }>;
  readonly #painted = { bid: Number.NaN, ask: Number.NaN, last: Number.NaN };

  constructor(symbol: string, digits: number) {
    this.symbol = symbol;
    this.digits = digits;
    this.element = document.createElement('tr');
    for (const column of CELLS) {
      const cell = document.createElement(column === 'symbol' ? 'th' : 'td');
      if (column === 'symbol') cell.scope = 'row';
      cell.className = CLASS[column];
      const text = document.createTextNode(column === 'symbol' ? symbol : '');
      // A price lights up as a pill around its figures.
      const pill = document.createElement('span');
      pill.className = 'pill';
      pill.append(text);
      cell.append(pill);
      this.element.append(cell);
      this.#cells[column] = { cell, text };
    }
  }

  /** Notes a tick's symbolSeq. */
  number(epoch: number, symbolSeq: number): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#seqFirst = symbolSeq;
      this.#received = 0;
      this.seq = symbolSeq - 1;
    }
    if (symbolSeq === this.seq) return;
    this.#received++;
    if (symbolSeq > this.seq) this.seq = symbolSeq;
  }

  get conflated(): number {
    return Math.max(0, this.seq - this.#seqFirst + 1 - this.#received);
  }

  /** In points of the symbol's last digit. */
  get spread(): number {
    return Math.round((this.ask - this.bid) * 10 ** this.digits);
  }

  /** Writes what changed into the row. Returns whether a price is now lit. */
  paint(now: number): boolean {
    this.dirty = false;
    for (const column of FLASHING) this.#paintPrice(column, now);
    const spread = this.spread;
    this.#write('spread', Number.isNaN(spread) ? '' : grouped(spread));
    this.#write('seq', this.seq <= 0 ? '' : grouped(this.seq));
    this.#write('conflated', this.conflated === 0 ? '' : grouped(this.conflated));
    this.element.classList.toggle('stale', this.stale);
    this.paintAge();
    return this.#litUntil > now;
  }

  paintAge(): void {
    this.#write('age', Number.isNaN(this.tickAt) ? '' : age(Date.now() - this.tickAt));
  }

  /** Lets lit prices fade once their time is over. Returns whether one is still lit. */
  fade(now: number): boolean {
    if (this.#litUntil > now) return true;
    for (const column of FLASHING) this.#cells[column].cell.classList.remove('up', 'down');
    return false;
  }

  #paintPrice(column: (typeof FLASHING)[number], now: number): void {
    const price = this[column];
    const before = this.#painted[column];
    if (price === before || Number.isNaN(price)) return;
    this.#painted[column] = price;
    this.#write(column, price.toFixed(this.digits));
    if (Number.isNaN(before)) return;
    const { classList } = this.#cells[column].cell;
    classList.toggle('up', price > before);
    classList.toggle('down', price < before);
    this.#litUntil = now + FLASH_MS;
  }

  #write(column: Column, text: string): void {
    const node = this.#cells[column].text;
    if (node.data !== text) node.data = text;
  }
}
