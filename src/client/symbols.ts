import { ENGINE_SYMBOL } from '../core/tick.js';
import { WIRE_SYMBOLS_MAX } from '../wire/packed.js';
import type { WireSymbol } from '../wire/ticks.js';

/** The name under which the engine's own records come. */
export const ENGINE_NAME = '$engine';
/** The client's own number of it: the first symbol that a book defines. */
export const ENGINE_INDEX = 0;

/** A symbol's name as `subscribe` takes it, and `symbols` of `/v1/quotes`: characters that a pattern would interpret are escaped. */
export function escapeSymbol(name: string): string {
  return name.replace(/[*,\\]/g, '\\$&');
}

/** A symbol as the client knows it. */
export interface SymbolInfo {
  readonly symbol: string;
  /** Decimal digits of its prices. */
  readonly digits: number;
  /** Counts its redefinitions. */
  readonly version: number;
  /** The client's own number of the symbol, the same across reconnects. */
  readonly index: number;
}

/** Symbols by the ids of the current connection, and by name for as long as the client lives. */
export class SymbolBook {
  /** By wire id, for the packed reader. */
  readonly digits = new Uint8Array(WIRE_SYMBOLS_MAX);
  readonly #byId: (SymbolInfo | undefined)[] = [];
  readonly #byName = new Map<string, SymbolInfo>();

  constructor() {
    this.clear();
  }

  /** Takes a definition from `subscribed` or `symbols`. */
  define(wire: WireSymbol): SymbolInfo {
    const known = this.#byName.get(wire.symbol);
    const info: SymbolInfo = {
      symbol: wire.symbol,
      digits: wire.digits,
      version: wire.version,
      index: known?.index ?? this.#byName.size,
    };
    this.#byName.set(info.symbol, info);
    this.#byId[wire.symbolId] = info;
    this.digits[wire.symbolId] = info.digits;
    return info;
  }

  byId(symbolId: number): SymbolInfo {
    return this.#byId[symbolId] ?? this.define({ symbol: `#${symbolId}`, symbolId, digits: 0, version: 0 });
  }

  byName(symbol: string): SymbolInfo {
    return (
      this.#byName.get(symbol) ?? this.define({ symbol, symbolId: WIRE_SYMBOLS_MAX, digits: 0, version: 0 })
    );
  }

  /** Forgets the ids, which hold for one connection only. */
  clear(): void {
    this.#byId.length = 0;
    // The engine's own records (a source came up, a gap) are ticks of a symbol that nobody subscribes by name.
    this.define({ symbol: ENGINE_NAME, symbolId: ENGINE_SYMBOL, digits: 0, version: 0 });
  }
}
