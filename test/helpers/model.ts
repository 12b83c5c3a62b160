/**
 * What a shard does to ticks, said again as simply as can be: objects, maps and decimal strings. Tests compare
 * the shard with it. Whether a move is suspicious is left out: that is a heuristic with tests of its own.
 */

import { Flag, NO_PRICE, NO_TIME_S, StatusCode } from '../../src/core/tick.js';
import type { RejectReason } from '../../src/pipeline/memory/counters.js';

/** When everything is received, as `SmallEngine` has it, in microseconds. */
const RECEIVED = 1_700_000_000e6;

export interface RawTick {
  kind: 'quote' | 'trade' | 'status' | 'gap';
  symbol: number;
  position: number;
  s: number;
  ns: number;
  flags: number;
  /** Bid, ask, sizes; or price, size, trade id; or code and arguments; or reason and numbers. */
  values: number[];
  /** Earlier quotes that were conflated into this one. */
  conflated?: number;
}

export interface ModelTick {
  kind: string;
  symbolId: number;
  symbolSeq: number;
  position: number;
  flags: number;
  s: number;
  ns: number;
  values: number[];
}

export interface ModelSymbol {
  digits: number;
  negative: boolean;
  version: number;
}

interface State {
  symbolSeq: number;
  version: number;
  bid?: [number, number];
  ask?: [number, number];
  quoteTime: number;
  tradeTime: number;
  pending: number;
  quote?: ModelTick;
  trade?: ModelTick;
  status?: ModelTick;
  lastSeq: number;
}

export class Model {
  readonly ticks: ModelTick[] = [];
  readonly rejected = new Map<RejectReason, number>();
  readonly states = new Map<number, State>();
  conflated = 0;
  generated = 0;

  constructor(readonly symbols: Map<number, ModelSymbol>) {}

  get pending(): number {
    return [...this.states.values()].filter((s) => s.pending > 0).length;
  }

  state(id: number): State {
    let state = this.states.get(id);
    if (state === undefined) {
      state = { symbolSeq: 0, version: 0, quoteTime: -1, tradeTime: -1, pending: 0, lastSeq: 0 };
      this.states.set(id, state);
    }
    return state;
  }

  take(raw: RawTick) {
    const symbol = this.symbols.get(raw.symbol);
    const isPriced = raw.kind === 'quote' || raw.kind === 'trade';
    if (symbol === undefined && (raw.symbol !== 0 || isPriced)) return this.#reject('unknown_symbol');
    const state = this.state(raw.symbol);
    if (symbol !== undefined && state.version !== symbol.version) {
      state.version = symbol.version;
      this.generated++;
      this.#number(raw, 'status', [symbol.version, StatusCode.symbolDefined, symbol.digits, 0, 0], 0, 0, 0);
    }
    if (raw.ns >= 1e9) return this.#reject('bad_time');
    if (raw.kind === 'quote') return this.#quote(raw, symbol!, state);
    if (raw.kind === 'trade') return this.#trade(raw, symbol!, state);
    this.#number(raw, raw.kind, raw.values, 0, 0, raw.position);
  }

  #quote(raw: RawTick, symbol: ModelSymbol, state: State) {
    const [bid, ask, bidSize, askSize] = raw.values;
    const sides: [number, number][] = [
      [bid, bidSize],
      [ask, askSize],
    ];
    if (sides.some(([, size]) => size < 0 || size === Number.POSITIVE_INFINITY))
      return this.#reject('bad_size');
    const missing = sides.map(([price]) => price === NO_PRICE || (price === 0 && !symbol.negative));
    if (missing[0] && missing[1]) return this.#reject('bad_price');
    if (sides.some(([price], i) => !missing[i] && !isPrice(price, symbol))) return this.#reject('bad_price');
    const conflated = raw.conflated ?? 0;
    const now = sides.map(([price, size], i): [number, number] | undefined =>
      missing[i] ? (i === 0 ? state.bid : state.ask) : [decimal(price, symbol.digits), size],
    );
    [state.bid, state.ask] = now;
    if (now[0] === undefined || now[1] === undefined) {
      if (state.pending > 0) this.conflated++;
      state.pending += 1 + conflated;
      return;
    }
    let flags = raw.flags;
    if (now[0][0] > now[1][0]) flags |= Flag.crossed;
    if (now[0][0] === now[1][0]) flags |= Flag.locked;
    const time = timeOf(raw);
    if (time !== undefined && time < state.quoteTime) flags |= Flag.late;
    else if (time !== undefined && time <= RECEIVED) state.quoteTime = time;
    if (state.pending > 0) {
      flags |= Flag.conflated;
      this.conflated++;
    }
    const jump = conflated + state.pending;
    state.pending = 0;
    const values = [now[0][0], now[1][0], now[0][1], now[1][1]];
    const tick = this.#number(raw, 'quote', values, flags, jump, raw.position);
    if ((flags & (Flag.crossed | Flag.late)) === 0) state.quote = tick;
  }

  #trade(raw: RawTick, symbol: ModelSymbol, state: State) {
    const [price, size, tradeId] = raw.values;
    if (!isPrice(price, symbol)) return this.#reject('bad_price');
    if (size < 0 || size === Number.POSITIVE_INFINITY) return this.#reject('bad_size');
    let flags = raw.flags;
    const time = timeOf(raw);
    if (time !== undefined && time < state.tradeTime) flags |= Flag.late;
    else if (time !== undefined && time <= RECEIVED) state.tradeTime = time;
    const values = [decimal(price, symbol.digits), size, tradeId];
    const tick = this.#number(raw, 'trade', values, flags, 0, raw.position);
    if ((flags & Flag.late) === 0) state.trade = tick;
  }

  #number(
    raw: RawTick,
    kind: string,
    values: number[],
    flags: number,
    conflated: number,
    position: number,
  ): ModelTick {
    const state = this.state(raw.symbol);
    state.symbolSeq += 1 + conflated;
    const isDefinition = kind === 'status' && values[1] === StatusCode.symbolDefined;
    const isTimed = kind === 'quote' || kind === 'trade';
    const tick: ModelTick = {
      kind,
      symbolId: raw.symbol,
      symbolSeq: state.symbolSeq,
      position,
      flags,
      s: isTimed ? raw.s : -1,
      ns: isTimed ? raw.ns : -1,
      values,
    };
    this.ticks.push(tick);
    state.lastSeq = this.ticks.length;
    if (kind === 'status' && !isDefinition) state.status = tick;
    return tick;
  }

  #reject(reason: RejectReason): void {
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
  }
}

/** Rounds by way of the decimal text. */
function decimal(price: number, digits: number): number {
  return Number(price.toFixed(digits)) + 0;
}

function isPrice(price: number, symbol: ModelSymbol): boolean {
  if (!Number.isFinite(price) || price === NO_PRICE) return false;
  return symbol.negative || decimal(price, symbol.digits) > 0;
}

function timeOf(raw: RawTick): number | undefined {
  return raw.s === NO_TIME_S ? undefined : raw.s * 1e6 + raw.ns / 1e3;
}
