/**
 * `ticks replay --to-engine mt5://host:port`: into a running engine by the door that its sources use, as a terminal with
 * a name and symbols of its own. Old ticks never get among the live ones of a symbol, and what was sent is kept
 * until the engine has it durable.
 */
import { TickwireError } from '../../core/errors.js';
import {
  F64_ASK,
  F64_BID,
  F64_PRICE,
  F64_SIZE,
  Flag,
  flagsOf,
  Kind,
  kindOf,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U32,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../../core/tick.js';
import { MqlFlag } from '../../feeds/mql/mql-tick.js';
import { Mt5Terminal } from '../../feeds/mt5/index.js';
import { LogReader } from '../../log/read/log-reader.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import { mostDigits } from '../../pipeline/memory/registry-entries.js';
import { ReplayControl } from '../../replay/control.js';
import { ReplayPlayer, Step } from '../../replay/player.js';
import { spanOf } from '../../replay/span.js';
import { LogSymbols } from '../../replay/symbols.js';
import { stopSignal } from '../support/exit.js';
import { Missing } from '../support/missing.js';
import { note } from '../support/stdout.js';
import { ReplayConsole } from './console.js';
import { type ReplayFlags, rangeOf } from './flags.js';

const TURN_TICKS = 1_024;
/** Milliseconds that a stopped replay waits for what it sent to be acknowledged. */
const STOP_DRAIN_MS = 500;
/** MT5 terminals are known by an account; this one has none. */
const ACCOUNT = 0;

/**
 * Reads where to. @throws TickwireError bad_config
 */
export function parseTarget(text: string): { host: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'mt5:' && url.port !== '') {
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
  }
  const isServer = url !== undefined && /^(ws|http)s?:$/.test(url.protocol);
  throw new TickwireError(
    'bad_config',
    isServer
      ? `--to-engine wants the engine's MT5 port, such as mt5://${url.hostname}:5555: its server takes no ticks. Subscribers of ${url.host} replay its log by themselves: ticks tail --from TIME --speed 1.`
      : `"${text}" is no place to replay to; one is mt5://127.0.0.1:5555, the MT5 port of an engine.`,
  );
}

/** @throws TickwireError log_missing, data_folder_unusable, bad_config, bad_input, connection_refused */
export async function replayTo(flags: ReplayFlags, to: string): Promise<void> {
  const range = rangeOf(flags);
  const { host, port } = parseTarget(to);
  if (flags.prefix === '') {
    throw new TickwireError('bad_config', '--prefix must not be empty: old ticks would get among live ones.');
  }
  const symbols = await LogSymbols.open(flags.data, flags.symbols ?? ['*']);
  const reader = LogReader.open(flags.data);
  reader.hold(note);
  const control = ReplayControl.create(flags.speed ?? 1);
  const quit = new AbortController();
  const signal = AbortSignal.any([stopSignal(), quit.signal]);
  let terminal: ReplayConsole | undefined;
  const sender = new Mt5Terminal({
    host,
    port,
    account: ACCOUNT,
    server: 'replay',
    name: `${flags.prefix}replay`,
    zone: 'UTC',
    ...(flags.secret === undefined ? {} : { secret: flags.secret }),
    onEvent: (sentence) => terminal?.note(sentence),
  });
  const stop = () => {
    if (sender.isLive) setTimeout(() => void sender.close(), STOP_DRAIN_MS).unref();
    else void sender.close();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const missing = new Missing((text) => terminal?.note(text));
    const follow = flags.follow === true;
    const player = new ReplayPlayer(reader, symbols, control, { ...range, follow, onGap: missing.gap });
    terminal = new ReplayConsole(control, spanOf(reader, range.from, range.to), () => quit.abort());
    await sender.start();
    const skipped = await send(player, sender, flags.prefix, signal);
    await sender.drain();
    await sender.close();
    missing.conclude(reader.lostSegments(), range.to, flags.allowGaps === true);
    const { ticks, acked } = sender.counters;
    if (flags.json) terminal.note(JSON.stringify({ ticks, acked, skipped, missing: missing.ticks }));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    terminal?.close();
    await sender.close();
    await reader.close();
  }
}

/** @returns ticks that MT5 has no form for: status, gaps, and those without a time of event */
async function send(
  player: ReplayPlayer,
  sender: Mt5Terminal,
  prefix: string,
  signal: AbortSignal,
): Promise<number> {
  const locals: number[] = [];
  let skipped = 0;
  while (!signal.aborted) {
    const step = player.step();
    if (step === Step.end) break;
    if (step === Step.wait) {
      await player.wait();
      continue;
    }
    const { symbolId, symbols } = player;
    const name = prefix + symbols.name(symbolId);
    const entry = symbols.registry.symbols[symbolId];
    const digits = entry === undefined ? 0 : mostDigits(entry);
    const negative = entry?.negative ?? false;
    if (!canSend(player)) skipped++;
    else {
      const local = (locals[symbolId] ??= sender.define(name, digits, { negative }));
      while (!signal.aborted && !sendTick(player, sender, local)) await sender.room();
    }
    if (player.played % TURN_TICKS === 0) await turn();
  }
  return skipped;
}

function canSend({ stream: { records, index } }: ReplayPlayer): boolean {
  const kind = kindOf(records, index);
  const hasTime = records.u32[index * RECORD_U32 + U32_TS_EVENT_S] !== NO_TIME_S;
  return hasTime && (kind === Kind.quote || kind === Kind.trade);
}

/** False when the terminal keeps as much as it can. */
function sendTick({ stream: { records, index } }: ReplayPlayer, sender: Mt5Terminal, local: number): boolean {
  const w = index * RECORD_U32;
  const d = index * RECORD_F64;
  const { u32, f64 } = records;
  const utcMs = u32[w + U32_TS_EVENT_S] * 1000 + Math.floor(u32[w + U32_TS_EVENT_NS] / 1e6);
  if (kindOf(records, index) === Kind.quote) {
    return sender.send(local, utcMs, MqlFlag.bid | MqlFlag.ask, f64[d + F64_BID], f64[d + F64_ASK]);
  }
  const flags = flagsOf(records, index);
  const side = (flags & Flag.buy ? MqlFlag.buy : 0) | (flags & Flag.sell ? MqlFlag.sell : 0);
  const size = Number.isNaN(f64[d + F64_SIZE]) ? 0 : f64[d + F64_SIZE];
  const what = MqlFlag.last | MqlFlag.volume | side;
  return sender.send(local, utcMs, what, 0, 0, f64[d + F64_PRICE], size);
}
