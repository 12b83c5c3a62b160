/** `ticks serve`: runs an engine by its configuration until it is told to stop. */
import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../engine/config.js';
import { optionsOf } from '../engine/feed-options.js';
import { FEED_TYPES, type FeedTypeName } from '../feeds/index.js';
import { portNumber, wholeNumber } from './support/exit.js';
import { createLogger, type LogLevel, logLevelOption } from './support/logger.js';
import { runEngine } from './support/run-engine.js';

interface ServeFlags {
  config?: string;
  data?: string;
  /** False under `--no-log`. */
  log: boolean;
  host?: string;
  port?: number;
  shards?: number;
  feed?: FeedFlag[];
  capture?: string;
  logLevel: LogLevel;
  json?: boolean;
}

interface FeedFlag {
  name: string;
  type: string;
  options?: unknown;
}

export function register(program: Command): void {
  program
    .command('serve')
    .description('Run the engine: take ticks from feeds, keep them in the log, serve them.')
    .option('-c, --config <path>', 'config file (JSON); default tickwire.json where there is one')
    .option('-d, --data <folder>', 'data folder of the tick log')
    .option('--no-log', 'keep no log: nothing survives the process')
    .option('--host <address>', 'address to serve on')
    .option('-p, --port <n>', 'port to serve on; 0 takes a free one', portNumber)
    .option('--shards <n>', 'shards that number ticks side by side', wholeNumber(1))
    .option('--feed <type>', 'a feed, and its options: mt5, or mt5={"port":5556}; may be repeated', addFeed)
    .option('--capture <folder>', 'capture what every feed takes in, for ticks replay --capture')
    .addOption(logLevelOption())
    .option('--json', 'print one JSON object on stdout once it serves, and one when it has stopped')
    .addHelpText(
      'after',
      () => `
Feed types, and their options for --feed (or "options" in the config file):
${feedHelp()}
A module's feed ({"name", "module", "export", "options"} in the config file) gets its options as they stand.

Settings come from flags, then the environment (PORT, TICKWIRE_…), then the config file, then defaults.

Example:
  $ ticks serve --data ./data --feed mt5 --feed 'synthetic={"rate":1000}' --port 8080`,
    )
    .action((flags: ServeFlags) => serve(flags));
}

/** The options of each feed type, from its schema. */
export function feedHelp(): string {
  const types = Object.keys(FEED_TYPES) as FeedTypeName[];
  return types
    .map((type) => {
      const lines = optionsOf(type).map((option) => {
        const standard = option.default ?? (option.isNeeded ? 'needed' : 'none');
        return `    ${option.name}: ${option.values} [${standard}]\n        ${option.meaning}`;
      });
      return `  ${type}\n${lines.join('\n')}`;
    })
    .join('\n');
}

function addFeed(text: string, before: FeedFlag[] = []): FeedFlag[] {
  const [, type, options] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (type === undefined || !(type in FEED_TYPES)) {
    throw new InvalidArgumentError(`Expected one of ${Object.keys(FEED_TYPES).join(', ')}.`);
  }
  const sameType = before.filter((feed) => feed.type === type).length;
  const feed: FeedFlag = { name: sameType === 0 ? type : `${type}-${sameType + 1}`, type };
  if (options === undefined) return [...before, feed];
  try {
    return [...before, { ...feed, options: JSON.parse(options) as unknown }];
  } catch {
    throw new InvalidArgumentError(`The options of ${type} must be JSON, such as ${type}={"port":5556}.`);
  }
}

/** What flags set, in the shape of the config file. */
function settingsOf(flags: ServeFlags): object {
  return {
    dataFolder: flags.log ? flags.data : false,
    shards: flags.shards,
    feeds: flags.feed,
    ...(flags.capture === undefined ? {} : { capture: { folder: flags.capture } }),
    ...(flags.host === undefined && flags.port === undefined
      ? {}
      : { http: { host: flags.host, port: flags.port } }),
  };
}

async function serve(flags: ServeFlags): Promise<void> {
  const logger = createLogger(flags.logLevel);
  const options = loadConfig({ flags: settingsOf(flags), environment: process.env, file: flags.config });
  await runEngine(options, logger, {
    serving(engine) {
      if (flags.json) printJson({ event: 'serving', port: engine.port, ...engine.identity });
    },
    stopped(engine) {
      if (flags.json) printJson({ event: 'stopped', ...engine.totals() });
    },
  });
}

function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
