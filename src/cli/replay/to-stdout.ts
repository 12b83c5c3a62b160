/** `ticks replay` to stdout or into a file. */
import { TickwireError } from '../../core/errors.js';
import { LogReader } from '../../log/read/log-reader.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import { ReplayControl } from '../../replay/control.js';
import { ReplayPlayer, Step } from '../../replay/player.js';
import { spanOf } from '../../replay/span.js';
import { LogSymbols } from '../../replay/symbols.js';
import { cursorToText } from '../../wire/cursor.js';
import { stopSignal } from '../support/exit.js';
import { Missing } from '../support/missing.js';
import { note } from '../support/stdout.js';
import { TickOutput } from '../support/tick-output.js';
import { ReplayConsole } from './console.js';
import { type ReplayFlags, rangeOf } from './flags.js';

/** Ticks between two turns of the event loop, in which a signal or a key is noticed. */
const TURN_TICKS = 4_096;

/** @throws TickwireError log_missing, data_folder_unusable, bad_config, bad_input */
export async function printReplay(flags: ReplayFlags): Promise<void> {
  const range = rangeOf(flags);
  const symbols = await LogSymbols.open(flags.data, flags.symbols ?? ['*']);
  const reader = LogReader.open(flags.data);
  reader.hold(note);
  const control = ReplayControl.create(flags.speed ?? 'max');
  const quit = new AbortController();
  const signal = AbortSignal.any([stopSignal(), quit.signal]);
  let terminal: ReplayConsole | undefined;
  const missing = new Missing((text) => terminal?.note(text));
  try {
    const follow = flags.follow === true;
    const player = new ReplayPlayer(reader, symbols, control, { ...range, follow, onGap: missing.gap });
    terminal = new ReplayConsole(control, spanOf(reader, range.from, range.to), () => quit.abort());
    await print(player, flags, signal);
    missing.conclude(reader.lostSegments(), range.to, flags.allowGaps === true);
    if (flags.json) {
      const place = player.position();
      const cursor =
        place && cursorToText({ ...place, logId: reader.logId, seqs: place.seqs.map((s) => s - 1) });
      terminal.note(JSON.stringify({ ticks: player.played, missing: missing.ticks, cursor: cursor ?? null }));
    } else if (player.played === 0 && !signal.aborted) {
      missing.empty();
    }
  } finally {
    terminal?.close();
    await reader.close();
  }
}

async function print(player: ReplayPlayer, flags: ReplayFlags, signal: AbortSignal): Promise<void> {
  const output = await TickOutput.open(flags, flags.out);
  try {
    await copy(player, output, signal);
    // A replay that follows the log ends by being stopped; any other one is not whole then.
    if (signal.aborted && flags.out !== undefined && flags.follow !== true) {
      throw new TickwireError('bad_input', `Stopped before the end: ${flags.out} was not written.`);
    }
    await output.finish();
  } catch (error) {
    await output.drop();
    throw error;
  }
}

async function copy(player: ReplayPlayer, output: TickOutput, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const step = player.step();
    if (step === Step.end) return;
    if (step === Step.wait) {
      await output.flush();
      await player.wait();
      continue;
    }
    player.hasJumped = false;
    output.add(player.stream, player.symbols.line(player.symbolId));
    if (output.isFull) await output.flush();
    if (player.played % TURN_TICKS === 0) await turn();
  }
}
