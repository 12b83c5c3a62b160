/**
 * An import from beginning to end. All of it happens in a staging folder; the log changes in one transaction,
 * the last step. What a killed import left is removed by the next one.
 *
 * ```
 * look at the files ─▶ read them ─▶ define symbols ─▶ merge, number, build segments ─▶ adopt
 * ```
 */

import path from 'node:path';
import { TickwireError } from '../core/errors.js';
import { isEarlier } from '../core/time.js';
import type { ImportRecord } from '../log/storage/imports.js';
import type { Built } from './build.js';
import { haveDone, registryOf, stopped } from './host.js';
import { type Identified, importHash } from './identity.js';
import type { ImportOptions, ImportOutcome } from './outcome.js';
import { lotsOf, partsOf } from './parts.js';
import { ImportPool, type ImportProgress } from './pool.js';
import type { FileToRead, ReadBatch, ReadFile } from './read.js';
import { importsOf, rivalsOf, uncovered } from './rivals.js';
import { makeStaging } from './staging.js';
import type { BuildJob, LookJob, ReadJob } from './worker.js';

export type { ImportOptions, ImportOutcome, Overlap } from './outcome.js';
export type { ImportProgress } from './pool.js';

/**
 * @param data the data folder; it is made where there is none
 * @param paths files, each once
 * @throws TickwireError bad_input where `replace` would lose ticks, data_folder_locked, data_folder_unusable,
 * unsupported when stopped
 */
export async function importFiles(
  data: string,
  paths: readonly string[],
  options: ImportOptions,
  signal: AbortSignal,
  tell: (progress: ImportProgress) => void,
): Promise<ImportOutcome> {
  const staging = makeStaging(data);
  const pool = new ImportPool(signal, tell);
  try {
    return await new Import(data, staging.folder, options, signal, pool).run(paths);
  } finally {
    await pool.close();
    staging.remove();
  }
}

class Import {
  readonly #outcome: ImportOutcome = {
    ticks: 0,
    oneSided: 0,
    doubles: 0,
    nameless: 0,
    refusedNames: [],
    files: [],
    known: [],
    empty: [],
    refused: [],
    overlaps: [],
    days: [],
  };

  constructor(
    readonly data: string,
    readonly staging: string,
    readonly options: ImportOptions,
    readonly signal: AbortSignal,
    readonly pool: ImportPool,
  ) {}

  async run(paths: readonly string[]): Promise<ImportOutcome> {
    const parts = await this.#look(paths);
    const batches = await this.#read(parts);
    const taken = batches.flatMap(({ files }) => files).filter((file) => this.#judge(file));
    if (taken.length > 0) await this.#import(batches, taken);
    return this.#outcome;
  }

  /** The files that are new, in the parts in which they are read. */
  async #look(paths: readonly string[]): Promise<FileToRead[][]> {
    const { options, pool } = this;
    const { known, empty, refused } = this.#outcome;
    const lots = lotsOf(paths);
    const found = await pool.run<string[], Identified[]>(
      'look',
      0,
      lots,
      (lot): LookJob => ({ paths: lot, options }),
    );
    const all = new Map<string, FileToRead & { bytes: number }>();
    found.flat().forEach((file, i) => {
      if ('refused' in file) refused.push({ file: paths[i], why: file.refused });
      else if (file.bytes === 0) empty.push(paths[i]);
      else if (all.has(file.identity)) known.push(paths[i]);
      else all.set(file.identity, { path: paths[i], ...file });
    });
    const held = this.#held([...all.keys()]);
    const fresh = [...all.values()].filter(({ identity, path: file }) => {
      if (held.has(identity)) known.push(file);
      return !held.has(identity);
    });
    known.sort((a, b) => paths.indexOf(a) - paths.indexOf(b));
    return partsOf(fresh);
  }

  /** Those of the identities that need no import. */
  #held(identities: readonly string[]): Set<string> {
    const imports = importsOf(this.data);
    const hashes = new Set(imports.map(({ hash }) => hash));
    // To replace others, files are taken once more, unless just they are an import.
    if (this.options.replace === true) {
      return new Set(hashes.has(importHash(identities)) ? identities : []);
    }
    // What was left out of an import stood in others: without them it is missing.
    const whole = imports.filter(({ without }) => (without ?? []).every((hash) => hashes.has(hash)));
    return new Set(whole.flatMap(({ files }) => files));
  }

  #read(parts: FileToRead[][]): Promise<ReadBatch[]> {
    const { options, staging, pool } = this;
    return pool.run<FileToRead[], ReadBatch>('read', 0, parts, (files, { shared, index }): ReadJob => {
      const prefix = path.join(staging, 'runs', `${index}-`);
      return { files, options, prefix, shared, index };
    });
  }

  /** Notes what came of a file; true when it has ticks. */
  #judge({ path: file, ticks, bad, refused }: ReadFile): boolean {
    const { files, empty, refused: all } = this.#outcome;
    const [row] = Object.values(bad).flatMap(({ samples }) => samples);
    const rows = Object.values(bad).reduce((sum, { count }) => sum + count, 0);
    if (refused !== undefined) all.push({ file, why: refused });
    else if (ticks === 0 && rows === 0) empty.push(file);
    else files.push({ file, ticks, bad });
    if (refused !== undefined || ticks > 0) return ticks > 0;
    if (rows > 0)
      all.push({ file, why: `${file}: none of its ${rows} rows can be used (${row?.where}: ${row?.why}).` });
    return false;
  }

  async #import(batches: readonly ReadBatch[], taken: readonly ReadFile[]): Promise<void> {
    const { data, staging, options, signal } = this;
    const { aliases, negative, replace = false } = options;
    const canonical = (raw: string) => (Object.hasOwn(aliases, raw) ? aliases[raw] : raw);
    const all = batches.flatMap(({ symbols }) =>
      symbols.map(({ raw, digits }) => ({ name: canonical(raw), digits })),
    );
    const symbols = [...mostDigits(all)].map(([name, digits]) => ({
      name,
      digits,
      ...(negative ? { negative } : {}),
    }));
    const rivals = await this.#rivals(batches, [...new Set(all.map(({ name }) => name))]);
    const without = replace ? [] : rivals.map(({ hash }) => hash);
    const identities = taken.map(({ identity }) => identity);
    const hash = importHash(identities, without);
    const request = { hash, symbols };
    const defined = await haveDone(data, staging, 'define', request, signal);
    const idOf = new Map(symbols.map(({ name }, i) => [name, defined.ids[i]]));
    const registry = await registryOf(data, request, defined, signal);
    const refusedNames = new Map(defined.refused.map(({ name, why }) => [name, why]));
    this.#outcome.refusedNames = defined.refused;
    const named = taken.filter((file) => this.#isNamed(file, canonical, refusedNames));
    if (named.length === 0) return;
    const total = taken.reduce((sum, { ticks }) => sum + ticks, 0);
    const plan = {
      data,
      folder: path.join(staging, 'segments'),
      epoch: defined.epoch,
      sourceId: defined.sourceId,
      batches: batches.map((batch) => ({
        runs: batch.runs,
        ids: batch.symbols.map(({ raw }) => idOf.get(canonical(raw))!),
        files: batch.files.length,
      })),
      rivals: rivals.map(({ epoch }) => epoch),
      replaces: replace,
    };
    const [built] = await this.pool.run<object, Built | undefined>(
      'build',
      total,
      [plan],
      (_, { shared }) => {
        return { plan, registry, shared } satisfies BuildJob;
      },
    );
    if (built === undefined || signal.aborted) throw stopped();
    const found = rivals.filter((_, i) => built.rivals[i].seen > 0);
    const doublesOf = (rival: ImportRecord) => built.rivals[rivals.indexOf(rival)].doubles;
    if (replace) await this.#checkCover(found, built);
    const { oneSided, doubles, nameless } = built;
    Object.assign(this.#outcome, { oneSided, doubles, nameless });
    this.#outcome.overlaps = found.map((rival) => ({
      hash: rival.hash,
      importedAt: rival.importedAt,
      doubles: doublesOf(rival),
      isReplaced: replace,
    }));
    if (built.ticks === 0) {
      if (found.every((rival) => doublesOf(rival) === 0)) this.#refuseHalves(named);
      return;
    }
    const record: ImportRecord = {
      epoch: defined.epoch,
      hash,
      importedAt: Date.now(),
      files: named.map(({ identity }) => identity),
      ticks: built.sequenced,
    };
    const leftOut = found.filter((rival) => doublesOf(rival) > 0);
    if (leftOut.length > 0) record.without = leftOut.map((rival) => rival.hash);
    const replaces = replace ? found.map(({ epoch }) => epoch) : [];
    await haveDone(data, staging, 'adopt', { record, segments: built.segments, replaces }, signal);
    const days = built.segments.map(({ folder }) => folder);
    Object.assign(this.#outcome, { hash, epoch: defined.epoch, ticks: built.ticks, days });
  }

  #rivals(batches: readonly ReadBatch[], names: string[]): Promise<ImportRecord[]> {
    const runs = batches.flatMap((batch) => batch.runs);
    const starts = runs.map(({ fromS, fromNs }) => ({ seconds: fromS, nanos: fromNs }));
    const ends = runs.map(({ toS, toNs }) => ({ seconds: toS, nanos: toNs }));
    const from = starts.reduce((first, at) => (isEarlier(at, first) ? at : first));
    const to = ends.reduce((last, at) => (isEarlier(last, at) ? at : last));
    return rivalsOf(this.data, importsOf(this.data), names, from, to);
  }

  /** @throws TickwireError bad_input when an import that is to be replaced has ticks that the files do not cover */
  async #checkCover(found: readonly ImportRecord[], built: Built): Promise<void> {
    for (const { epoch, hash } of found) {
      const [name, ...more] = await uncovered(this.data, epoch, built.spans);
      if (name === undefined) continue;
      const also = more.length === 0 ? '' : ` and of ${more.length} other symbols`;
      throw new TickwireError(
        'bad_input',
        `Import ${hash.slice(0, 12)} also has ticks of ${name}${also} that these files do not ` +
          `cover: nothing was changed. Name its other files too, or take it out with "ticks import --remove ${hash.slice(0, 12)}".`,
      );
    }
  }

  /** Whether a file has a symbol whose name was taken; it is refused otherwise. */
  #isNamed(
    { path: file, symbols }: ReadFile,
    canonical: (raw: string) => string,
    refused: Map<string, string>,
  ): boolean {
    if (symbols.some((raw) => !refused.has(canonical(raw)))) return true;
    this.#outcome.refused.push({ file, why: `${file}: ${refused.get(canonical(symbols[0]))}` });
    return false;
  }

  /** Files whose quotes have one side only. */
  #refuseHalves(taken: readonly ReadFile[]): void {
    for (const { path: file } of taken) {
      this.#outcome.refused.push({ file, why: `${file}: its quotes have one side only.` });
    }
  }
}

/** Names once each, with the most digits that a file found in its prices. */
function mostDigits(symbols: readonly { name: string; digits: number }[]): Map<string, number> {
  const digitsOf = new Map<string, number>();
  for (const { name, digits } of symbols) digitsOf.set(name, Math.max(digits, digitsOf.get(name) ?? 0));
  return digitsOf;
}
