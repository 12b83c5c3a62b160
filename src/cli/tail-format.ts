import type { PlainTick } from '../client/index.js';
import { GapReason, StatusCode } from '../core/tick.js';

const GREEN = '\u001b[32m';
const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const PLAIN = '\u001b[0m';
const SYMBOL_WIDTH = 8;
const PRICE_WIDTH = 11;
const SEQ_WIDTH = 9;

function nameOf(codes: Record<string, number>, code: number): string {
  return Object.keys(codes).find((name) => codes[name] === code) ?? `code ${code}`;
}

/** One tick as one JSON object; times are decimal strings, as on the wire. */
export function jsonLine(tick: PlainTick): string {
  return JSON.stringify(tick, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Ticks as lines of aligned columns. A price is green or red when it moved since the symbol's last line. */
export class TickLines {
  readonly #color: boolean;
  readonly #digits = new Map<string, number>();
  readonly #last = new Map<string, number>();
  #symbolWidth = SYMBOL_WIDTH;

  constructor(color: boolean) {
    this.#color = color;
  }

  define(symbol: string, digits: number): void {
    this.#digits.set(symbol, digits);
    this.#symbolWidth = Math.max(this.#symbolWidth, symbol.length);
  }

  line(tick: PlainTick): string {
    const columns = [
      this.#paint(timeOf(tick.tsRecv), DIM),
      tick.symbol.padEnd(this.#symbolWidth),
      this.#paint(tick.kind.padEnd(6), DIM),
      ...this.#values(tick),
      this.#paint(`#${tick.symbolSeq}`.padStart(SEQ_WIDTH), DIM),
    ];
    const flags = tick.inSnapshot ? ['in-snapshot', ...tick.flags] : tick.flags;
    if (flags.length > 0) columns.push(this.#paint(flags.join(' '), DIM));
    return columns.join('  ');
  }

  #values(tick: PlainTick): string[] {
    switch (tick.kind) {
      case 'quote':
        return [this.#moved(tick.symbol, tick.bid), this.#price(tick.symbol, tick.ask)];
      case 'trade': {
        const size = (tick.size === null ? '' : `× ${tick.size}`).padStart(PRICE_WIDTH);
        return [this.#moved(`trade\n${tick.symbol}`, tick.price, tick.symbol), size];
      }
      case 'status':
        return [`${nameOf(StatusCode, tick.code)} ${tick.args.join(' ')}`.padEnd(2 * PRICE_WIDTH + 2)];
      case 'gap':
        return [`${nameOf(GapReason, tick.reason)}, ${tick.count} missing`.padEnd(2 * PRICE_WIDTH + 2)];
    }
  }

  #price(symbol: string, price: number): string {
    const digits = this.#digits.get(symbol);
    return (digits === undefined ? String(price) : price.toFixed(digits)).padStart(PRICE_WIDTH);
  }

  #moved(series: string, price: number, symbol = series): string {
    const last = this.#last.get(series) ?? price;
    this.#last.set(series, price);
    const text = this.#price(symbol, price);
    return price === last ? text : this.#paint(text, price > last ? GREEN : RED);
  }

  #paint(text: string, color: string): string {
    return this.#color ? `${color}${text}${PLAIN}` : text;
  }
}

/** The time of day, UTC, to the microsecond. */
function timeOf(ns: bigint): string {
  const s = Number(ns / 1_000_000_000n);
  const micros = Number((ns % 1_000_000_000n) / 1000n);
  return `${new Date(s * 1000).toISOString().slice(11, 19)}.${String(micros).padStart(6, '0')}`;
}
