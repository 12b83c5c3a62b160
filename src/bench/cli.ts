/** `ticks bench`: the scenarios as commands. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { benchFanout, FANOUT_DIAGRAM, type FanoutOptions } from './fanout.js';
import { fanoutLines, rowLine } from './fanout-report.js';
import { benchPipeline, PIPELINE_DIAGRAM } from './pipeline.js';
import { benchRing, RING_DIAGRAM } from './ring.js';
import { benchSoak, SOAK_DIAGRAM } from './soak.js';

const MEGA = 1e6;

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function zeroOrMore(text: string): number {
  const value = Number(text);
  if (!(value >= 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be 0 or more.');
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value > 0))
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

function wholeNumberOrZero(text: string): number {
  return text === '0' ? 0 : wholeNumber(text);
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be 0 to 1.');
  return value;
}

function rateOrAuto(text: string): number | 'auto' {
  return text === 'auto' ? text : wholeNumber(text);
}

/** Prints a result, and makes the exit code say whether it holds. */
function print(result: { valid: boolean }, json: boolean, lines: string[]): void {
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`);
  if (!result.valid) {
    process.stderr.write('The result is not valid: ticks were lost, repeated or out of order.\n');
    process.exitCode = 1;
  }
}

export function register(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure the engine on this machine; every figure is checked before it counts');

  bench
    .command('ring')
    .description('one SPSC ring between two threads')
    .option('--seconds <n>', 'about how long each run takes', positive, 2)
    .option('--runs <n>', 'how many runs; their median is reported', positive, 3)
    .option('--json', 'print one JSON object')
    .addHelpText('after', `${RING_DIAGRAM}\n\nExample:\n  ticks bench ring --seconds 2 --json`)
    .action(async (options: { seconds: number; runs: number; json?: boolean }) => {
      const r = await benchRing(options.seconds, options.runs);
      print(r, options.json === true, [
        `ring: ${(r.recordsPerSecond / MEGA).toFixed(1)} M records/s (runs: ${r.runs.map((x) => (x / MEGA).toFixed(1)).join(', ')})`,
        `      lost ${r.lost}, reordered ${r.reordered}, torn ${r.torn}, ${r.cpuNsPerRecord.toFixed(0)} ns CPU a record`,
      ]);
    });

  bench
    .command('pipeline')
    .description('feed → shard → log, with subscribers in another process')
    .option('--seconds <n>', 'measured time', positive, 10)
    .option('--warmup <n>', 'seconds before it', zeroOrMore, 2)
    .option('--shards <n>', 'shard threads', positive, 1)
    .option('--symbols <n>', 'symbols of the market', positive, 500)
    .option('--seed <n>', 'seed of the market', positive, 1)
    .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `${PIPELINE_DIAGRAM}\n\nExample:\n  ticks bench pipeline --seconds 10 --json`)
    .action(async ({ json, ...options }: Parameters<typeof benchPipeline>[0] & { json?: boolean }) => {
      const r = await benchPipeline(options);
      print(r, json === true, [
        `pipeline: ${(r.ticksPerSecond / MEGA).toFixed(2)} M ticks/s numbered, ${(r.loggedPerSecond / MEGA).toFixed(2)} M/s durable, over ${r.seconds.toFixed(1)} s`,
        `          lost ${r.lost}, reordered ${r.reordered}, ${r.bytesPerTick.toFixed(1)} bytes a tick`,
        `          ${r.cpuNsPerTick.toFixed(0)} ns CPU a tick, RSS ${(r.rssBytes / MEGA).toFixed(0)} MB (anonymous ${(r.rssAnonBytes / MEGA).toFixed(0)} MB)`,
        `          subscribers: every ${(r.everyPerSecond / MEGA).toFixed(2)} M/s (${r.catchUps} catch-ups), latest ${(r.latestPerSecond / MEGA).toFixed(2)} M/s`,
      ]);
    });

  registerFanout(bench);

  bench
    .command('soak')
    .description('a steady rate for minutes: memory over time')
    .option('--minutes <n>', 'how long', positive, 10)
    .option('--rate <n>', 'ticks per second', positive, 200_000)
    .option('--shards <n>', 'shard threads', positive, 1)
    .option('--symbols <n>', 'symbols of the market', positive, 500)
    .option('--seed <n>', 'seed of the market', positive, 1)
    .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `${SOAK_DIAGRAM}\n\nExample:\n  ticks bench soak --minutes 10 --json`)
    .action(async ({ json, ...options }: Parameters<typeof benchSoak>[0] & { json?: boolean }) => {
      const r = await benchSoak(options, (s) => {
        if (!process.stderr.isTTY) return;
        process.stderr.write(
          `${s.seconds.toFixed(0)} s  ${s.numbered} ticks  RssAnon ${(s.rssAnon / MEGA).toFixed(1)} MB\n`,
        );
      });
      print(r, json === true, [
        `soak: ${(r.ticksPerSecond / 1000).toFixed(0)} k ticks/s for ${options.minutes} min; lost ${r.lost}, reordered ${r.reordered}`,
        `      RssAnon ${(r.rssAnonEarlyBytes / MEGA).toFixed(1)} MB → ${(r.rssAnonLateBytes / MEGA).toFixed(1)} MB after the ring had wrapped: ${r.flat === null ? 'too short to judge' : r.flat ? 'flat' : 'GROWS'}`,
      ]);
    });
}

function registerFanout(bench: Command): void {
  bench
    .command('fanout')
    .description('one server to many clients, each on its core: throughput and latency, every tick checked')
    .option('--clients <n>', 'clients that read', wholeNumber, 1000)
    .option('--watch <n>', 'symbols that each of them watches, of its own random choice', wholeNumber)
    .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
    .option('--seconds <n>', 'measured time of each row', positive, 10)
    .option('--warmup <n>', 'seconds before it', zeroOrMore, 1)
    .addOption(
      new Option('--mode <mode>', 'of the subscriptions')
        .choices(['every', 'latest', 'both'])
        .default('every'),
    )
    .option(
      '--rate <n>',
      'ticks per second of the feed, or auto: seek the peak, then measure it and its half',
      rateOrAuto,
      'auto',
    )
    .option('--interval <ms>', 'intervalMs of latest subscriptions', zeroOrMore, 0)
    .option(
      '--stopped <n>',
      'further clients, which stop reading: rows without and with them alternate',
      wholeNumberOrZero,
      0,
    )
    .option('--pairs <n>', 'how many of these rows, at each rate', wholeNumber, 3)
    .option('--shards <n>', 'shard threads', wholeNumber, 1)
    .option('--seed <n>', 'seed of the market, and of what each client watches', wholeNumber, 1)
    .option('--trade-share <n>', 'share of trades among the ticks, 0 to 1', share, 0.05)
    .option(
      '--skew <n>',
      "how unequally busy symbols are: exponent of Zipf's law, 0 = equally",
      zeroOrMore,
      0.9,
    )
    .option('--no-log', 'keep no log')
    .option('--no-pin', 'leave both processes to the scheduler: no row is valid then')
    .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `${FANOUT_DIAGRAM}\n\nExample:\n  ticks bench fanout --clients 1000 --watch 50 --seconds 10 --json`,
    )
    .action(async ({ json, interval, ...given }: FanoutFlags) => {
      const options = { ...given, watch: given.watch ?? given.symbols, intervalMs: interval };
      const result = await benchFanout(options, (row) => {
        if (process.stderr.isTTY) process.stderr.write(`${rowLine(row)}\n`);
      });
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${fanoutLines(result).join('\n')}\n`);
      if (!result.valid) {
        process.stderr.write('The result is not valid: the rows say why.\n');
        process.exitCode = 1;
      }
    });
}

type FanoutFlags = Omit<FanoutOptions, 'watch' | 'intervalMs'> & {
  watch?: number;
  interval: number;
  json?: boolean;
};
