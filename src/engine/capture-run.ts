/**
 * The capture of one run of an engine: a folder with the state of the engine at its start and the input of each feed
 * since then. From both, the sequencing of the run can be repeated.
 *
 * ```
 * run.json        the settings of the run and of its feeds
 * registry.bin    the symbols and sources that the log knew
 * table.bin.gz    the last values that the log knew
 * FEED.NNNNNN.tickcap   see feeds/capture/format.ts
 * ```
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { badConfig, check } from '../core/check-settings.js';
import { messageOf, TickwireError } from '../core/errors.js';
import type { CaptureTarget } from '../feeds/capture/writer.js';
import type { EngineMemory } from '../pipeline/memory/engine-memory.js';
import type { Registry } from '../pipeline/memory/registry.js';
import type { CaptureSettings } from './settings/pipeline.js';

const RUN_FILE = 'run.json';
const REGISTRY_FILE = 'registry.bin';
const TABLE_FILE = 'table.bin.gz';
const VERSION = 1;
/** Other users must not read the folder: settings and hellos contain secrets. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const FAST = { level: 1 };

const runSchema = z.object({
  version: z.literal(VERSION),
  startedAt: z.string(),
  logId: z.string(),
  epoch: z.number(),
  shards: z.number(),
  maxSymbols: z.number(),
  positions: z.array(z.object({ sourceId: z.number(), buckets: z.array(z.number()) })),
  feeds: z.array(
    z.object({
      name: z.string(),
      policy: z.enum(['block', 'conflate']),
      stateWords: z.number(),
      aliases: z.record(z.string(), z.string()),
      /** A built-in connector, or null: then its calls were captured, and nothing of it is needed. */
      type: z.string().nullable(),
      options: z.unknown(),
    }),
  ),
});

/** What `run.json` says. */
export type CapturedRun = z.output<typeof runSchema>;

/**
 * Makes the folder of a run and writes the state of the engine before its first tick.
 * @throws TickwireError bad_config when nothing can be written there
 */
export function beginCapture(
  { folder, fileBytes }: CaptureSettings,
  run: Omit<CapturedRun, 'version' | 'startedAt' | 'shards' | 'maxSymbols' | 'positions'>,
  memory: EngineMemory,
  registry: Registry,
): CaptureTarget {
  const startedAt = new Date().toISOString();
  const { shards, maxSymbols } = memory.plan;
  const described: CapturedRun = {
    version: VERSION,
    startedAt,
    ...run,
    shards,
    maxSymbols,
    positions: memory.positions,
  };
  // The name sorts by time. The epoch distinguishes two runs that start at the same time.
  const name = `${startedAt.replaceAll(/[-:]/g, '').slice(0, 19)}Z-epoch-${run.epoch}`;
  const path = join(folder, name);
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    mkdirSync(path, { mode: FOLDER_MODE });
    const put = (file: string, bytes: Uint8Array | string) =>
      writeFileSync(join(path, file), bytes, { mode: FILE_MODE });
    put(REGISTRY_FILE, registry.bytesFrom(0));
    put(TABLE_FILE, gzipSync(new Uint8Array(memory.table).slice(), FAST));
    put(RUN_FILE, `${JSON.stringify(described, undefined, 2)}\n`);
  } catch (error) {
    throw new TickwireError(
      'bad_config',
      `The capture folder ${folder} cannot be used: ${messageOf(error)}.`,
    );
  }
  return { folder: path, fileBytes };
}

/**
 * The folder of a run: the given folder if it is one, else the newest run in it.
 * @throws TickwireError bad_input when there is none
 */
export function findCapture(folder: string): string {
  const isRun = (path: string) => statSync(join(path, RUN_FILE), { throwIfNoEntry: false }) !== undefined;
  if (isRun(folder)) return folder;
  const entries = statSync(folder, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(folder, { withFileTypes: true })
    : [];
  const newest = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name))
    .filter(isRun)
    .sort()
    .at(-1);
  if (newest !== undefined) return newest;
  throw new TickwireError(
    'bad_input',
    `${folder} holds no capture: ticks serve --capture ${folder} makes one.`,
  );
}

/** @throws TickwireError bad_input when it is damaged, or of another version */
export function readCapture(path: string): {
  run: CapturedRun;
  restore: (memory: EngineMemory) => void;
  registryBytes: Uint8Array;
} {
  try {
    const { value: run, faults } = check(runSchema, JSON.parse(readFileSync(join(path, RUN_FILE), 'utf8')));
    if (run === undefined) throw badConfig(faults);
    const registryBytes = readFileSync(join(path, REGISTRY_FILE));
    const table = gunzipSync(readFileSync(join(path, TABLE_FILE)));
    const restore = (memory: EngineMemory) => {
      new Uint8Array(memory.table).set(table);
      memory.positions = run.positions;
    };
    return { run, restore, registryBytes };
  } catch (error) {
    throw new TickwireError(
      'bad_input',
      `${join(path, RUN_FILE)} or what it belongs to cannot be read: ${messageOf(error)}.`,
    );
  }
}
