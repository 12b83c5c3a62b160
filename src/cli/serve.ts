/** `ticks serve`: runs an engine by its configuration until a signal stops it. */
import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../engine/config.js';
import { optionsOf } from '../engine/settings/feeds.js';
import { FEED_TYPES, type FeedTypeName } from '../feeds/index.js';
import { createLogger, type LogLevel, logLevelOption } from './support/logger.js';
import { runEngine } from './support/run-engine.js';
import { addSettingFlags, settingsOfFlags } from './support/setting-flags.js';

interface ServeFlags extends Record<string, unknown> {
  config?: string;
  logLevel: LogLevel;
  json?: boolean;
}

interface FeedFlag {
  name: string;
  type: string;
  options?: unknown;
}

const FEED_FLAG = {
  parse: addFeed,
  help: 'a feed, and its options: mt5, or mt5={"port":5556}; may be repeated',
} as const;

export function register(program: Command): void {
  const command = program
    .command('serve')
    .description('Run the engine: take ticks from feeds, keep them in the log, serve them.')
    .option('-c, --config <path>', 'config file (JSON); default tickwire.json where there is one');
  addSettingFlags(command, { feeds: FEED_FLAG })
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
function feedHelp(): string {
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

async function serve(flags: ServeFlags): Promise<void> {
  const logger = createLogger(flags.logLevel);
  const { settings, origins } = settingsOfFlags(flags);
  const options = loadConfig({
    flags: settings,
    flagNames: origins,
    environment: process.env,
    file: flags.config,
  });
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
