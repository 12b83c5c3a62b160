/**
 * Only the lock holder of the data folder may define symbols and register segments. The lock holder is an engine, or for a
 * moment the import itself. An import that finds an engine on the folder sends requests by files:
 *
 * ```
 * log/imports/<staging>/define.json ─▶ defined.json │ adopt.json ─▶ adopted.json │ remove.json ─▶ removed.json
 * ```
 *
 * Both sides write a file under a temporary name first, so nobody reads an incomplete file.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, type ErrorCode, messageOf, TickwireError } from '../core/errors.js';
import { adoptImport, type StagedImport } from '../log/maintain/import-adoption.js';
import { removeImports } from '../log/maintain/import-removal.js';
import { logFolder } from '../log/storage/catalog.js';
import { epochOfImport } from '../log/storage/imports.js';
import type { LogStore } from '../log/storage/log-store.js';
import type { Registry } from '../pipeline/memory/registry.js';
import type { SymbolDefinition } from '../pipeline/memory/registry-entries.js';

/** The feed and source of imported ticks. */
const IMPORT_FEED = 'import';

export interface DefineRequest {
  hash: string;
  symbols: { name: string; digits: number; negative?: boolean }[];
}

export interface Defined {
  epoch: number;
  sourceId: number;
  /** Symbol ids in the order of the request; 0 for a refused name. */
  ids: number[];
  /** The refused names, with the reasons. */
  refused: { name: string; why: string }[];
}

export interface Steps {
  define: { request: DefineRequest; answer: Defined };
  adopt: { request: StagedImport; answer: { ticks: number } };
  remove: { request: { epochs: number[] }; answer: { imports: number } };
}
export type Step = keyof Steps;

const ANSWERS: Record<Step, string> = {
  define: 'defined.json',
  adopt: 'adopted.json',
  remove: 'removed.json',
};

/** Where imports are staged. */
export function importsFolder(dataFolder: string): string {
  return path.join(logFolder(dataFolder), 'imports');
}

function writeJson(folder: string, name: string, value: unknown): void {
  writeFileSync(path.join(folder, `${name}.new`), JSON.stringify(value));
  renameSync(path.join(folder, `${name}.new`), path.join(folder, name));
}

export function postRequest<S extends Step>(staging: string, step: S, request: Steps[S]['request']): void {
  writeJson(staging, `${step}.json`, request);
}

/**
 * The answer to a request; undefined while there is none.
 * @throws TickwireError the error of the other side
 */
export function takeAnswer<S extends Step>(staging: string, step: S): Steps[S]['answer'] | undefined {
  const file = path.join(staging, ANSWERS[step]);
  if (!existsSync(file)) return undefined;
  const answer = JSON.parse(readFileSync(file, 'utf8')) as { error?: { code: ErrorCode; message: string } };
  if (answer.error !== undefined) throw new TickwireError(answer.error.code, answer.error.message);
  return answer as Steps[S]['answer'];
}

export class ImportCoordinator {
  #isBusy = false;

  /**
   * @param store the log, its catalog open for writing
   * @param report gets a sentence for every import that was listed or removed
   * @param isAlone whether no other thread writes to the catalog
   */
  constructor(
    readonly store: LogStore,
    readonly registry: Registry,
    readonly report: (message: string) => void = () => {},
    readonly isAlone = false,
  ) {}

  /** Looks for requests and answers them. A call during another one does nothing. */
  async look(): Promise<void> {
    if (this.#isBusy) return;
    const folder = importsFolder(this.store.dataFolder);
    if (!existsSync(folder)) return;
    this.#isBusy = true;
    try {
      for (const name of readdirSync(folder)) {
        const staging = path.join(folder, name);
        await this.#answer(staging, 'define', (request) => this.define(request));
        await this.#answer(staging, 'adopt', (request) => this.adopt(staging, request));
        await this.#answer(staging, 'remove', (request) => this.remove(request));
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #answer<S extends Step>(
    staging: string,
    step: S,
    work: (request: Steps[S]['request']) => Steps[S]['answer'] | Promise<Steps[S]['answer']>,
  ): Promise<void> {
    const file = path.join(staging, `${step}.json`);
    if (!existsSync(file) || existsSync(path.join(staging, ANSWERS[step]))) return;
    let answer: object;
    try {
      answer = await work(JSON.parse(readFileSync(file, 'utf8')) as Steps[S]['request']);
    } catch (error) {
      const code = error instanceof TickwireError ? error.code : 'data_folder_unusable';
      answer = { error: { code, message: messageOf(error) } };
    }
    try {
      writeJson(staging, ANSWERS[step], answer);
    } catch (error) {
      // The import has ended and removed its folder.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** @throws TickwireError registry_full */
  define({ hash, symbols }: DefineRequest): Defined {
    const refused: Defined['refused'] = [];
    const ids = symbols.map((symbol) => {
      try {
        return this.registry.defineSymbol(this.#joined(symbol));
      } catch (error) {
        // One invalid name must not stop the import of all others.
        if (codeOf(error) !== 'bad_input') throw error;
        refused.push({ name: symbol.name, why: messageOf(error) });
        return 0;
      }
    });
    const { id: sourceId } = this.registry.defineSource({ feed: IMPORT_FEED, name: IMPORT_FEED });
    const epoch = epochOfImport(this.store.catalog, hash);
    return { epoch, sourceId, ids, refused };
  }

  /** A symbol's definition, with the settings of the log that files do not have. */
  #joined({ name, digits, negative }: DefineRequest['symbols'][number]): SymbolDefinition {
    this.registry.refresh();
    const id = this.registry.symbolId(name);
    const known = id === undefined ? undefined : this.registry.symbols[id];
    return {
      name,
      digits,
      ...(negative === true || known?.negative === true ? { negative: true } : {}),
      ...(known?.ttlMs === undefined ? {} : { ttlMs: known.ttlMs }),
    };
  }

  /** @throws TickwireError data_folder_locked where an import is being read, data_folder_unusable */
  async remove({ epochs }: Steps['remove']['request']): Promise<{ imports: number }> {
    await removeImports(this.store, epochs, this.isAlone);
    this.report(`Took ${epochs.length} imports out of the log.`);
    return { imports: epochs.length };
  }

  /** @throws TickwireError unsupported where the same was imported meanwhile */
  async adopt(staging: string, staged: StagedImport): Promise<{ ticks: number }> {
    await adoptImport(this.store, path.join(staging, 'segments'), staged);
    const { ticks, hash } = staged.record;
    this.report(`Imported ${ticks} ticks (content ${hash.slice(0, 12)}).`);
    return { ticks };
  }
}
