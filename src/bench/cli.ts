/** `ticks bench`: the scenarios as commands. */
import { type Command, InvalidArgumentError } from 'commander';
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
