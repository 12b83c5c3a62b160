/**
 * The market's inner loop: `make` writes the next ticks as records. `../market.ts` fills in the tables and says what
 * they mean; records are those of `core/record-layout.ts`.
 *
 * What is drawn at random is looked up in tables instead of branched on: a mispredicted branch costs more than the
 * rest of a tick's arithmetic.
 *
 * ```
 *     0 records, 64 bytes each
 * 131072 state: i32 random a │ 4 i32 random b │ 8 f64 time s │ 16 f64 time ns │ 24 i32 symbol of the next tick
 *              28 i32 symbol of the burst │ 32 i32 ticks left of it │ 36 i32 index of the pace │ 40 i32 ticks left of it
 * 131136 i8 × 8 persistence │ 131144 i8 × 32 breath │ 131176 f64 × 8 paces │ 131240 f64 × 257 gaps
 * 133312 symbols, 64 bytes each:
 *        0 i32 bid │ 4 i32 spread │ 8 i32 direction │ 12 i32 ordinary spread │ 16 i32 step at most │ 20 i32 size, units
 *       24 i32 low │ 28 i32 high │ 32 f64 last trade id │ 40 f64 power of the price │ 48 f64 power of the size
 *       56 u32 what a record has for it │ 60 u32 id of the source, at its place in the second word of a record
 *    …  what `note` keeps of each symbol, 24 bytes: 0 i32 bid │ 4 i32 spread │ 8 i32 direction │ 12 i32 ordinary spread │ 16 f64 last trade id
 *    …  alias table, 8 bytes a symbol: 0 i32 chance of its own │ 4 u16 what it stands for otherwise │ 6 u16 itself
 * ```
 */
import { BUY, RECORD_BYTES as RECORD, SELL, TRADE } from '../../../core/record-layout';
/** Addresses that the host fills in. */
export const STATE: usize = 131_072;
export const PERSISTENCE: usize = 131_136;
export const BREATH: usize = 131_144;
export const PACES: usize = 131_176;
export const GAPS: usize = 131_240;
export const SYMBOLS: usize = 133_312;

const SECOND_NS: u64 = 1_000_000_000;
/** Added to a float64 that is a whole number below 2^52, it leaves that number in the low bits: cheaper than a conversion. */
const TO_INTEGER: f64 = 4_503_599_627_370_496;
const INTEGER: u64 = 0xfffffffffffff;
/** Of 256 ticks, how many start a burst of their symbol; a burst has 8 to 135 ticks, 32 times as dense. */
const BURST_CHANCE: u32 = 1;
const BURST_GAP: f64 = 1.0 / 32.0;

/** The output function of xoroshiro64**: 32 random bits. */
function scramble(x: u32): u32 {
  return rotl<u32>(x * 0x9e3779bb, 5) * 5;
}

/** A size in units: the product of two uniform draws, so that small ones are many and large ones few. */
function skewed(random: u32, units: f64): f64 {
  return trunc<f64>(1 + <f64>((random >> 16) * (random & 0xffff)) * (1.0 / 1_073_741_824) * units);
}

let symbols: u32 = 0;
let noted: usize = 0;
let alias: usize = 0;

/** Makes room for `count` symbols. Returns where `note` keeps them; the alias table follows. */
export function begin(count: u32): usize {
  symbols = count;
  noted = SYMBOLS + <usize>count * 64;
  alias = noted + <usize>count * 24;
  memory.grow(<i32>((alias + <usize>count * 8 + 0xffff) >> 16) - memory.size());
  return noted;
}

/** Keeps what changes of each symbol. */
export function note(): void {
  let to = noted;
  for (let row = SYMBOLS; row < noted; row += 64) {
    v128.store(to, v128.load(row));
    store<f64>(to, load<f64>(row, 32), 16);
    to += 24;
  }
}

/**
 * Writes `count` records from the start of the memory, and the state after them.
 * @param tradeChance of 65,536 ticks, how many are trades
 */
export function make(count: u32, tradeChance: u32): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let s = <u64>load<f64>(STATE, 8);
  let ns = <u64>load<f64>(STATE, 16);
  let symbol = load<u32>(STATE, 24);
  let burstSymbol = load<u32>(STATE, 28);
  let burstLeft = load<i32>(STATE, 32);
  let pace = load<u32>(STATE, 36);
  let paceLeft = load<i32>(STATE, 40);
  const end = <usize>count * RECORD;
  for (let at: usize = 0; at < end; at += RECORD) {
    // Two steps of xoroshiro64 give four random words: each half of its state, multiplied.
    const timing = scramble(a);
    const market = scramble(b);
    b ^= a;
    a = rotl<u32>(a, 26) ^ b ^ (b << 9);
    b = rotl<u32>(b, 13);
    const sizes = scramble(a);
    const choice = scramble(b);
    b ^= a;
    a = rotl<u32>(a, 26) ^ b ^ (b << 9);
    b = rotl<u32>(b, 13);

    if (--paceLeft < 0) {
      pace = timing & 7;
      paceLeft = 2_048 + ((timing >> 3) & 0x3fff);
    }
    const gapAt = GAPS + ((timing >> 8) & 0xff) * 8;
    const low = load<f64>(gapAt);
    const drawn = low + (load<f64>(gapAt, 8) - low) * (<f64>(timing >> 16) * (1.0 / 65_536));
    const gap = drawn * load<f64>(PACES + pace * 8) * (burstLeft > 0 ? BURST_GAP : 1);
    ns += 1 + (reinterpret<u64>(floor<f64>(gap) + TO_INTEGER) & INTEGER);
    while (ns >= SECOND_NS) {
      ns -= SECOND_NS;
      s++;
    }
    const time = <u64>(<u32>s) | (ns << 32);
    const row = SYMBOLS + <usize>symbol * 64;
    const source = load<u32>(row, 60);
    store<u32>(at, load<u32>(row, 56));
    store<u64>(at, time, 16);
    store<u64>(at, time, 24);

    const power = load<f64>(row, 40);
    const units = <f64>load<i32>(row, 20);
    const bid = load<i32>(row);
    const spread = load<i32>(row, 4);
    const direction = load<i32>(row, 8);
    if ((market & 0xffff) < tradeChance) {
      const isBuy = (market & 0x30000) === 0 ? direction < 0 : direction > 0;
      // Ids of a venue count its trades of all its feeds, so here and there some are missing.
      const id = load<f64>(row, 32) + ((market & 0xc0000) === 0 ? <f64>(1 + ((market >> 20) & 7)) : 1);
      store<f64>(row, id, 32);
      store<u32>(at, TRADE | (isBuy ? BUY : SELL) | source, 4);
      store<f64>(at, <f64>(isBuy ? bid + spread : bid) / power, 32);
      store<f64>(at, 0, 40);
      store<f64>(at, skewed(sizes, units) / load<f64>(row, 48), 48);
      store<f64>(at, id, 56);
    } else {
      const isWide: u32 = <u32>(load<i32>(row, 12) - spread) >> 31;
      const breath = <i32>load<i8>(BREATH + 16 * isWide + ((market >> 16) & 0xf));
      const nextSpread = max<i32>(0, spread + breath);
      let turned = direction * <i32>load<i8>(PERSISTENCE + ((market >> 21) & 7));
      turned = bid < load<i32>(row, 24) ? 1 : bid > load<i32>(row, 28) ? -1 : turned;
      // Outside bursts every other quote changes sizes only.
      const moves = <i32>((market >> 20) & 1) | (burstLeft > 0 ? 1 : 0);
      const step = moves + ((moves * <i32>(market >> 24) * load<i32>(row, 16)) >> 8);
      const nextBid = bid + turned * step;
      store<i32>(row, nextBid);
      store<i32>(row, nextSpread, 4);
      store<i32>(row, turned, 8);
      store<u32>(at, source, 4);
      const points = f64x2.replace_lane(f64x2.splat(<f64>nextBid), 1, <f64>(nextBid + nextSpread));
      v128.store(at, f64x2.div(points, f64x2.splat(power)), 32);
      const both = f64x2.replace_lane(
        f64x2.splat(skewed(sizes, units)),
        1,
        skewed(sizes * 0x2c1b3c6d, units),
      );
      v128.store(at, f64x2.div(both, v128.load64_splat(row, 48)), 48);
    }

    if (burstLeft > 0) {
      burstLeft--;
    } else if ((timing & 0xff) < BURST_CHANCE) {
      burstSymbol = symbol;
      burstLeft = 8 + ((timing >> 8) & 0x7f);
    }
    const column = alias + <usize>(((choice >> 16) * symbols) >> 16) * 8;
    const isOwn: usize = <u32>(<i32>(choice & 0xffff) - load<i32>(column)) >> 31;
    const rank = <u32>load<u16>(column + 2 * isOwn, 4);
    symbol = burstLeft > 0 && (choice & 3) !== 0 ? burstSymbol : rank;
  }
  store<u32>(STATE, a);
  store<u32>(STATE, b, 4);
  store<f64>(STATE, <f64>s, 8);
  store<f64>(STATE, <f64>ns, 16);
  store<u32>(STATE, symbol, 24);
  store<u32>(STATE, burstSymbol, 28);
  store<i32>(STATE, burstLeft, 32);
  store<u32>(STATE, pace, 36);
  store<i32>(STATE, paceLeft, 40);
}
