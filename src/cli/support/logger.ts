/** The logger of the commands: pretty on a terminal, JSON lines otherwise; always on stderr. */
import { Option } from 'commander';
import { pino } from 'pino';
import { build as pretty } from 'pino-pretty';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

export function createLogger(level: LogLevel): pino.Logger {
  const options = { level, base: undefined };
  // Written at once: what was logged before a process ends is there to be read.
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: STDERR, sync: true }));
  return pino(
    options,
    pretty({ destination: STDERR, sync: true, translateTime: 'HH:MM:ss.l', colorize: true }),
  );
}

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'what is logged on stderr').choices(LOG_LEVELS).default('info');
}
