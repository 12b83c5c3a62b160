/** The import's side of the desk: it asks the engine on the folder, or stands in for it where there is none. */
import { setTimeout as delay } from 'node:timers/promises';
import { TickwireError } from '../core/errors.js';
import { commitPuts, flush, type Put } from '../log/lmdb/transaction.js';
import {
  identityPuts,
  newLogId,
  openCatalog,
  readLogId,
  readRegistry,
  registryPuts,
} from '../log/storage/catalog.js';
import { FolderLock } from '../log/storage/folder-lock.js';
import { openStore } from '../log/storage/log-store.js';
import { Registry } from '../pipeline/memory/registry.js';
import {
  type Defined,
  type DefineRequest,
  ImportCoordinator,
  postRequest,
  type Step,
  type Steps,
  takeAnswer,
} from './coordinator.js';

const LOOK_MS = 50;
/** How often it is tried whether the folder is free now. */
const LOCK_EVERY_MS = 1_000;
/** How long whoever holds the folder may take for an answer. */
const PATIENCE_MS = 60_000;

/** Takes the folder's lock; undefined while another holds it. */
function tryLock(data: string): FolderLock | undefined {
  try {
    return FolderLock.take(data);
  } catch (error) {
    if (error instanceof TickwireError && error.code === 'data_folder_locked') return undefined;
    throw error;
  }
}

/**
 * Has a step done by whoever may: the engine that runs on the folder, or this process where none does.
 * @throws TickwireError what it was refused with, data_folder_locked where nobody answers
 */
export async function haveDone<S extends Step>(
  data: string,
  staging: string,
  step: S,
  request: Steps[S]['request'],
  signal: AbortSignal,
): Promise<Steps[S]['answer']> {
  const until = performance.now() + PATIENCE_MS;
  let isPosted = false;
  let triedAt = Number.NEGATIVE_INFINITY;
  while (performance.now() < until) {
    if (signal.aborted) throw stopped();
    const answer = isPosted ? takeAnswer(staging, step) : undefined;
    if (answer !== undefined) return answer;
    if (performance.now() - triedAt >= LOCK_EVERY_MS) {
      triedAt = performance.now();
      const lock = tryLock(data);
      // Whoever held the folder may have answered last thing.
      if (lock !== undefined) {
        try {
          return (
            (isPosted ? takeAnswer(staging, step) : undefined) ??
            (await standIn(data, lock, staging, step, request))
          );
        } finally {
          lock.release();
        }
      }
    }
    if (!isPosted) postRequest(staging, step, request);
    isPosted = true;
    await delay(LOOK_MS);
  }
  throw new TickwireError(
    'data_folder_locked',
    `Whoever holds the data folder ${data} has not answered for ${PATIENCE_MS / 1000} s: see whether its engine is stuck, then import again.`,
  );
}

export function stopped(): TickwireError {
  return new TickwireError('unsupported', 'The import was stopped: nothing was changed.');
}

async function standIn<S extends Step>(
  data: string,
  lock: FolderLock,
  staging: string,
  step: S,
  request: Steps[S]['request'],
): Promise<Steps[S]['answer']> {
  const store = openStore(data, { sync: 'every-commit', isAlone: true });
  try {
    lock.coverLog();
    const { catalog } = store;
    const puts: Put[] = [];
    if (readLogId(catalog) === '') {
      puts.push(...identityPuts(catalog, newLogId()));
    }
    const bytes = readRegistry(catalog);
    const registry = Registry.from(bytes);
    const held = registry.positionOf(bytes);
    const desk = new ImportCoordinator(store, registry, undefined, true);
    const answer =
      step === 'define'
        ? desk.define(request as Steps['define']['request'])
        : step === 'adopt'
          ? await desk.adopt(staging, request as Steps['adopt']['request'])
          : await desk.remove(request as Steps['remove']['request']);
    if (!registry.isAt(held)) {
      const grown = registry.after(held);
      puts.push(...registryPuts(catalog, grown.bytes, grown.from));
    }
    if (puts.length > 0) {
      await commitPuts(catalog.root, puts);
      await flush(catalog.root);
    }
    return answer as Steps[S]['answer'];
  } finally {
    await store.close();
  }
}

/** Waits until the catalog has what was defined, so that blocks may rely on it; gives the registry's bytes. */
export async function registryOf(
  data: string,
  { symbols }: DefineRequest,
  { ids, sourceId }: Defined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const catalog = openCatalog(data, { readOnly: true });
  try {
    for (const until = performance.now() + PATIENCE_MS; performance.now() < until; ) {
      if (signal.aborted) throw stopped();
      catalog.root.resetReadTxn();
      const bytes = readRegistry(catalog);
      const { sources, digits, symbols: known } = Registry.from(bytes);
      const isThere = symbols.every(
        // Id 0 is that of a name that was refused.
        (s, i) => ids[i] === 0 || (known[ids[i]]?.name === s.name && digits[ids[i]] >= s.digits),
      );
      if (isThere && sources[sourceId] !== undefined) return bytes;
      await delay(LOOK_MS);
    }
  } finally {
    await catalog.root.close();
  }
  throw new TickwireError(
    'data_folder_locked',
    `The engine on ${data} has not written the new symbols down for ${PATIENCE_MS / 1000} s: its log may stand still.`,
  );
}
