/** `ticks tail`: follows symbols of a server, one line a tick. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  ConnectionClosedError,
  type PlainTick,
  ServerError,
  type SubscribeOptions,
  type Subscription,
  type SymbolInfo,
  TickClient,
} from '../client/index.js';
import { TickwireError } from '../core/errors.js';
import { KIND_NAMES, type KindName } from '../core/tick.js';
import { ENCODINGS, type Encoding, type Mode, type Speed } from '../wire/ticks.js';
import { speedValue, stopSignal, wholeNumber } from './support/exit.js';
import { LineOutput } from './support/stdout.js';
import { jsonLine, TickLines } from './tail-format.js';

/** The close code of the protocol layer where no connection came about. */
const NO_SERVER = 1006;

export interface TailOptions {
  /** Of the stream: `ws://host:port/v1/stream`. */
  url: string;
  /** Names and patterns. */
  symbols: string[];
  /** Default: `every` with `from`, else `latest`. */
  mode?: Mode;
  /** A cursor, or a time: starts there instead of with the current state. */
  from?: string | undefined;
  /** With `from`: recorded seconds per second. Default `max`. */
  speed?: Speed | undefined;
  token?: string | undefined;
  /** Default: all. */
  kinds?: KindName[] | undefined;
  encoding?: Encoding;
  /** NDJSON instead of columns. */
  json?: boolean | undefined;
  /** Ticks after which it is done. Default: never. */
  count?: number | undefined;
  snapshot?: boolean;
  /** Ends it. */
  signal?: AbortSignal;
  stdout?: NodeJS.WriteStream;
  stderr?: NodeJS.WriteStream;
}

/**
 * Prints ticks on stdout, everything else on stderr, until `count` ticks have come or `signal` is given. A
 * reader slower than the stream makes the subscription pause; in mode `every` it misses nothing.
 * @throws TickwireError bad_config where the address is none, or options do not go together
 * @throws ConnectionClosedError if there is no server, or it refuses
 */
export async function runTail(options: TailOptions): Promise<void> {
  const { stdout = process.stdout, stderr = process.stderr, signal } = options;
  const say = (text: string) => void stderr.write(`ticks: ${text}\n`);
  const asked = subscribeOptions(options);
  const { token } = options;
  const client = new TickClient(checkedUrl(options.url), {
    encoding: options.encoding ?? 'packed',
    ...(token !== undefined && { token }),
  });
  client.on('close', ({ reason, code, retryMs }) => {
    if (retryMs === undefined) return;
    say(`the connection was lost (${reason || code}); trying again in ${(retryMs / 1000).toFixed(1)} s`);
  });
  let isOpen = false;
  const stop = () => client.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    if (signal?.aborted) return;
    await client.connect();
    isOpen = true;
    const subscription = client.subscribe(asked);
    const lines = new TickLines(stdout.isTTY === true && process.env.NO_COLOR === undefined);
    tellEvents(subscription, lines, say);
    await subscription.ready;
    // A name that a source defines later joins then.
    if (subscription.unknown.length > 0) say(`not known so far: ${subscription.unknown.join(', ')}`);
    const print = options.json === true ? jsonLine : (tick: PlainTick) => lines.line(tick);
    await printTicks(subscription, print, new LineOutput(stdout), options.count ?? Number.POSITIVE_INFINITY);
    if (subscription.gaps > 0) say(`${subscription.gaps} ticks are missing`);
  } catch (error) {
    // A stop while connecting is no failure.
    if (signal?.aborted) return;
    if (error instanceof ConnectionClosedError && !isOpen && error.closeCode === NO_SERVER) {
      say('expected a server of ticks there: start one by "ticks serve", or name another by --url');
    }
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    client.close();
  }
}

function subscribeOptions({
  symbols,
  from,
  speed,
  kinds,
  snapshot,
  ...options
}: TailOptions): SubscribeOptions {
  const { mode = from === undefined ? 'latest' : 'every' } = options;
  if (speed !== undefined && (from === undefined || mode === 'latest')) {
    throw new TickwireError('bad_config', '--speed goes with --from and with --mode every.');
  }
  return {
    symbols,
    mode,
    ...(from !== undefined && { from }),
    ...(speed !== undefined && { speed }),
    ...(kinds !== undefined && { kinds }),
    ...(snapshot !== undefined && { snapshot }),
  };
}

/** What came in one turn of the event loop is written at its end, or before, when it is much. */
async function printTicks(
  subscription: Subscription,
  print: (tick: PlainTick) => string,
  output: LineOutput,
  count: number,
): Promise<void> {
  let left = count;
  let scheduled = false;
  for await (const tick of subscription) {
    if (output.add(print(tick))) {
      await output.flush();
    } else if (!scheduled) {
      scheduled = true;
      setImmediate(() => {
        scheduled = false;
        void output.flush();
      });
    }
    if (--left <= 0) break;
  }
  await output.flush();
}

function tellEvents(subscription: Subscription, lines: TickLines, say: (text: string) => void): void {
  const define = (symbols: readonly SymbolInfo[]) => {
    for (const { symbol, digits } of symbols) lines.define(symbol, digits);
  };
  subscription.on('subscribed', () => define(subscription.symbols));
  subscription.on('symbols', define);
  subscription.on('catching_up', ({ behind }) => say(`${behind} ticks behind, reading from the log`));
  subscription.on('caught_up', () => say('live'));
  subscription.on('error', (error) => {
    if (error instanceof ServerError && error.temporary) say(`${error.message} Trying again.`);
  });
  subscription.on('afresh', ({ error }) => {
    say(`${error.message} What came meanwhile is not told; on with what is newest.`);
  });
  subscription.on('rewound', ({ epoch, lastSeq }) => {
    say(`the server lost the ticks of epoch ${epoch} after ${lastSeq.join(', ')}; they are withdrawn`);
  });
}

function checkedUrl(url: string): string {
  if (URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol)) return url;
  throw new TickwireError(
    'bad_config',
    `Not an address of a stream: ${url}. Expected ws://host:port/v1/stream.`,
  );
}

function kindList(text: string): KindName[] {
  const kinds = text.split(',').map((kind) => kind.trim());
  for (const kind of kinds) {
    if (!KIND_NAMES.includes(kind as KindName)) {
      throw new InvalidArgumentError(`Expected some of ${KIND_NAMES.join(',')}.`);
    }
  }
  return kinds as KindName[];
}

/** Adds the command to `program`. */
export function register(program: Command): void {
  program
    .command('tail')
    .description('Follow symbols of a running server, one line a tick.')
    .argument('[symbols...]', 'names and patterns, such as EURUSD or XAU*; default: all')
    .option('--url <url>', 'address of the stream', 'ws://127.0.0.1:8080/v1/stream')
    .addOption(
      new Option(
        '--mode <mode>',
        'latest: the newest state of each symbol; every: all ticks; default: every with --from, else latest',
      ).choices(['latest', 'every']),
    )
    .option(
      '--from <place>',
      'start at a cursor or a time (ISO 8601, UTC; or UNIX nanoseconds), then continue live',
    )
    .option('--speed <x>', 'with --from: recorded seconds per second, or max; default: max', speedValue)
    .addOption(
      new Option(
        '--token <token>',
        'for a server that wants one; the variable does not show in the process list',
      ).env('TICKS_TOKEN'),
    )
    .option('--kinds <list>', 'some of quote,trade,status,gap; default: all', kindList)
    .addOption(new Option('--encoding <encoding>', 'on the wire').choices(ENCODINGS).default('packed'))
    .option('--json', 'print ticks as NDJSON')
    .option('--count <n>', 'end after so many ticks', wholeNumber(1))
    .option('--no-snapshot', 'leave out the current state that comes first')
    .addHelpText(
      'after',
      `
Times are those of receipt, UTC; #n is the tick's number in its symbol's own sequence.

Examples:
  $ ticks tail EURUSD 'XAU*'
  $ ticks tail --mode every --kinds trade --json --count 1000 > trades.ndjson
  $ ticks tail --from 2024-06-19T08:00:00Z --speed 10 XAUUSD`,
    )
    .action((symbols: string[], flags: Omit<TailOptions, 'symbols'>) =>
      runTail({ ...flags, symbols: symbols.length === 0 ? ['*'] : symbols, signal: stopSignal() }),
    );
}
