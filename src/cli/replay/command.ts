/** `ticks replay`: a range of the log to stdout, into a file, or back through an engine to subscribers. */
import { type Command, Option } from 'commander';
import { TickwireError } from '../../core/errors.js';
import { ENCODINGS } from '../../wire/ticks.js';
import { portNumber, speedValue, wholeNumber } from '../support/exit.js';
import { logLevelOption } from '../support/logger.js';
import { SPREADSHEET, TICK_FORMATS } from '../support/tick-output.js';
import type { ReplayFlags } from './flags.js';
import { replayTo } from './to-engine.js';
import { serveReplay } from './to-server.js';
import { printReplay } from './to-stdout.js';
import { virtualReplay } from './virtual.js';

const PLACE = '<time|epoch:seq|cursor>';

export function register(program: Command): void {
  program
    .command('replay')
    .description('Replay a range of the tick log, also while an engine runs on it.')
    .option('-d, --data <folder>', 'data folder', './data')
    .option(`--from ${PLACE}`, 'where to begin: a cursor exclusive, else inclusive; default: the oldest tick')
    .option(`--to ${PLACE}`, 'where to end: a time exclusive, else inclusive; default: the newest tick')
    .option('-s, --symbols <patterns...>', 'names and patterns, such as EURUSD or XAU*; default: all')
    .addOption(
      new Option('-f, --format <format>', 'of ticks written').choices(TICK_FORMATS).default('ndjson'),
    )
    .option('--spreadsheet', `csv: ${SPREADSHEET}`)
    .option('-o, --out <file>', 'write there instead of to stdout; the file appears when it is whole')
    .option('--speed <n|max>', 'recorded seconds per second; default max, with --serve 1', speedValue)
    .option('--follow', 'at the end, go on with what is added to the log')
    .option('--virtual', 'write what a subscriber gets, on a virtual clock: always the same bytes')
    .option('--capture <folder>', 'replay what serve --capture wrote, numbering it anew, on a virtual clock')
    .option(
      '--flush-ms <ms>',
      'with a virtual clock: milliseconds between flushes',
      wholeNumber(1, 60_000),
      10,
    )
    .addOption(new Option('--encoding <name>', 'with --virtual').choices(ENCODINGS).default('json'))
    .addOption(new Option('--mode <mode>', 'with --virtual').choices(['latest', 'every']).default('every'))
    .option('--interval <ms>', 'with --mode latest: of one symbol', wholeNumber(0, 3_600_000), 0)
    .option('--serve <port>', 'serve the replay on a port, as an engine would', portNumber)
    .option('--to-engine <url>', 'play into a running engine: its MT5 port, such as mt5://127.0.0.1:5555')
    .option(
      '--prefix <text>',
      'with --to-engine: before every name, so that nothing live is touched',
      'replay.',
    )
    .option('--secret <text>', 'with --to-engine: what the port asks of terminals off loopback')
    .option('--host <address>', 'with --serve: address to serve on', '127.0.0.1')
    .option('--no-wait', 'with --serve: begin before the first subscriber has come')
    .option('--allow-gaps', 'end with exit code 0 although ticks of the range are missing in the log')
    .option('--json', 'when done, print figures as one JSON object on stderr, as stdout has the ticks')
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `
Times are those of receipt, UTC where no zone is given. What the log lacks of the range is told on stderr, and
the exit code is 1 then, unless --allow-gaps is given. In a terminal, keys steer the replay: space pauses, arrows move, g goes to a time, + and - change the speed, q ends.

Examples:
  $ ticks replay --from 2024-06-19T08:00:00Z --to 2024-06-19T09:00:00Z --symbols 'EUR*' --format csv
  $ ticks replay --speed 10 --follow > ticks.ndjson
  $ ticks replay --data ./data --serve 9090 --speed 10
  $ ticks replay --from 2024-06-19T08:00:00Z --to-engine mt5://127.0.0.1:5555
  $ ticks replay --virtual --mode latest --interval 100 --out incident.ndjson
  $ ticks replay --capture ./capture --format csv`,
    )
    .action(replay);
}

async function replay(flags: ReplayFlags): Promise<void> {
  if (flags.follow === true && flags.to !== undefined) {
    throw new TickwireError('bad_config', '--follow has no end: leave --to out.');
  }
  if (flags.toEngine !== undefined) {
    for (const name of ['serve', 'virtual', 'capture', 'out'] as const) {
      if (flags[name] === undefined) continue;
      throw new TickwireError('bad_config', `--${name} does not go with --to-engine.`);
    }
    await replayTo(flags, flags.toEngine);
  } else if (flags.virtual === true || flags.capture !== undefined) {
    for (const name of ['serve', 'speed', 'follow'] as const) {
      if (flags[name] === undefined) continue;
      throw new TickwireError('bad_config', `--${name} does not go with a virtual clock.`);
    }
    if (flags.capture !== undefined && (flags.from ?? flags.to) !== undefined) {
      throw new TickwireError(
        'bad_config',
        'A capture is sequenced from its start: leave --from and --to out.',
      );
    }
    await virtualReplay(flags);
  } else if (flags.serve === undefined) await printReplay(flags);
  else if (flags.out !== undefined) {
    throw new TickwireError('bad_config', '--out goes with ticks on stdout, not with --serve.');
  } else await serveReplay(flags, flags.serve);
}
