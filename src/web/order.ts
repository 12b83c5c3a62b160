import type { Column, Row } from './row.js';

/** Which rows are shown, and in which order. */
export class RowOrder {
  /** In order. */
  shown: readonly Row[] = [];
  readonly #rows: Row[] = [];
  #column: Column = 'symbol';
  #descending = false;
  #terms: string[] = [];

  get all(): number {
    return this.#rows.length;
  }

  add(row: Row): void {
    this.#rows.push(row);
  }

  /** @param text parts of names, separated by blanks: any of them may match */
  filter(text: string): void {
    this.#terms = text.toLowerCase().split(/\s+/).filter(Boolean);
  }

  /** Sorts on a column, or turns the order round if it is that column's already. Returns whether it descends. */
  sortOn(column: Column): boolean {
    const startsAscending = column === 'symbol' || column === 'age';
    this.#descending = this.#column === column ? !this.#descending : !startsAscending;
    this.#column = column;
    return this.#descending;
  }

  /** Brings `shown` up to date. Returns whether it changed. */
  apply(): boolean {
    const shown = this.#rows.filter((row) => this.#matches(row));
    const keys = new Map(shown.map((row) => [row, this.#key(row)]));
    const sign = this.#descending ? -1 : 1;
    shown.sort((a, b) => {
      const byName = a.symbol < b.symbol ? -1 : 1;
      if (this.#column === 'symbol') return sign * byName;
      const x = keys.get(a)!;
      const y = keys.get(b)!;
      // What has no value comes last, whichever the direction.
      if (Number.isNaN(x) || Number.isNaN(y)) {
        return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || byName;
      }
      return sign * (x - y) || byName;
    });
    const before = this.shown;
    this.shown = shown;
    return before.length !== shown.length || shown.some((row, i) => row !== before[i]);
  }

  #matches({ symbol }: Row): boolean {
    return this.#terms.length === 0 || this.#terms.some((term) => symbol.toLowerCase().includes(term));
  }

  #key(row: Row): number {
    if (this.#column === 'symbol') return 0;
    return this.#column === 'age' ? -row.tickAt : row[this.#column];
  }
}
