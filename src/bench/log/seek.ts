/** `bench log --seek-ticks`: how long it takes to the first tick of a random position in a log of any size. */
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { RECORD_U32, type Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import { LogReader } from '../../log/read/log-reader.js';
import { segmentPath, segmentsFolder } from '../../log/storage/segments.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import { median } from '../harness/measure.js';
import { Uniform } from '../harness/random.js';
import { type Findings, figure } from '../harness/scenario.js';
import { eurusdDay, recordedDay } from './data.js';
import { publishAll } from './publisher.js';
import { MarketTicks, RepeatedDay, type TickSource } from './source.js';
import { Seeker, writeLog } from './tickwire.js';

/** Places that are noted while a log is written, to be sought later. */
const PLACES = 4_096;
/** What is noted of a log, in its folder: written last, so a log without it was not finished. */
const NOTES = 'places.json';
/** Room that a tick may take on the disk while the log is written. */
const DISK_BYTES_PER_TICK = 12;
const P99 = 0.99;

/** A position: the time of a tick, and the seq of the first one of that time. */
type Note = [seq: number, s: number, ns: number];

export interface SeekOptions {
  seekTicks: number;
  runs: number;
  seeks: number;
  seed: number;
  /** Where the log is kept for the next run; absent: it is removed. */
  folder?: string;
}

/**
 * Each run opens the log again: its first seek is reported apart, and as many as are measured warm up before them.
 * @throws TickwireError data_folder_unusable when the disk has no room for the log
 */
export async function benchSeek(options: SeekOptions, tell: (line: string) => void): Promise<Findings> {
  const day = recordedDay();
  const { seekTicks, seed, runs, seeks } = options;
  const source =
    day === undefined ? new MarketTicks(seekTicks, seed) : new RepeatedDay(await eurusdDay(day), seekTicks);
  const folder =
    options.folder === undefined
      ? mkdtempSync(path.join(tmpdir(), 'tickwire-bench-seek-'))
      : path.join(options.folder, `seek-${source.name}-${seekTicks}-${seed}`);
  try {
    const notes = await notesOf(source, folder, seed, tell);
    const fileBytes = await readThrough(folder);
    const uniform = new Uniform(seed);
    const first: number[] = [];
    const middle: number[] = [];
    const slow: number[] = [];
    let wrong = 0;
    for (let run = 0; run < runs; run++) {
      const reader = LogReader.open(folder);
      const seeker = new Seeker(reader);
      const ms = Array.from({ length: 1 + 2 * seeks }, () => {
        const [seq, s, ns] = notes[uniform.below(notes.length)];
        const found = seeker.first(s, ns);
        if (found.seq !== seq) wrong++;
        return found.ms;
      });
      await reader.close();
      const measured = ms.slice(1 + seeks).sort((a, b) => a - b);
      first.push(ms[0]);
      middle.push(median(measured));
      slow.push(measured[Math.min(measured.length - 1, Math.floor(measured.length * P99))]);
    }
    return {
      figures: {
        seekMsMedian: figure('ms', 'lower', middle),
        seekMsP99: figure('ms', 'lower', slow),
        seekMsFirst: figure('ms', 'lower', first),
        fileBytesPerTick: figure('bytes', 'lower', [fileBytes / seekTicks]),
      },
      why: wrong === 0 ? [] : [`${wrong} seeks went astray`],
      lines: [
        `${seekTicks} ticks of ${source.name} in ${(fileBytes / 1e9).toFixed(2)} GB: a seek to the first tick ` +
          `${median(middle).toFixed(3)} ms, of 100 the slowest ${median(slow).toFixed(3)} ms, ` +
          `the first after opening ${median(first).toFixed(3)} ms`,
      ],
    };
  } finally {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Positions in the log of a folder. The log is written where there is none. */
async function notesOf(
  source: TickSource,
  folder: string,
  seed: number,
  tell: (line: string) => void,
): Promise<Note[]> {
  const notes = path.join(folder, NOTES);
  if (existsSync(notes)) return JSON.parse(readFileSync(notes, 'utf8')) as Note[];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < source.ticks * DISK_BYTES_PER_TICK) {
    throw new TickwireError(
      'data_folder_unusable',
      `A log of ${source.ticks} ticks may take ${Math.ceil((source.ticks * DISK_BYTES_PER_TICK) / 1e9)} GB, and ` +
        `${folder} has less: name another folder by --folder, or fewer ticks.`,
    );
  }
  tell(`writing ${source.ticks} ticks`);
  const noting = new NotingSource(source, seed);
  const { seconds } = await writeLog(noting, folder, (memory) => publishAll(noting, memory, turn));
  tell(`${source.ticks} ticks in ${seconds.toFixed(1)} s`);
  writeFileSync(notes, JSON.stringify(noting.notes));
  return noting.notes;
}

/** Reads all segments once, so that the system has them in memory as far as they go. @returns their bytes */
async function readThrough(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of readdirSync(segmentsFolder(folder))) {
    const file = path.join(segmentPath(folder, name), 'data.mdb');
    bytes += statSync(file).size;
    for await (const _ of createReadStream(file, { highWaterMark: 1 << 20 }));
  }
  return bytes;
}

/** A source that notes positions on the way, spread evenly at random. Its times never go back. */
class NotingSource implements TickSource {
  readonly name: string;
  readonly symbols: TickSource['symbols'];
  readonly ticks: number;
  readonly notes: Note[] = [];
  /** Indices of ticks to be noted, the next one last. */
  readonly #wanted: number[];
  #done = 0;
  /** The last tick's time, and the seq of the first one that has it. */
  #last: Note = [0, 0, -1];

  constructor(
    readonly source: TickSource,
    seed: number,
  ) {
    ({ name: this.name, symbols: this.symbols, ticks: this.ticks } = source);
    const uniform = new Uniform(seed);
    const indices = Array.from({ length: PLACES }, () => uniform.below(this.ticks));
    this.#wanted = indices.sort((a, b) => b - a);
  }

  fill(into: Records, at: number, count: number): void {
    this.source.fill(into, at, count);
    const end = this.#done + count;
    while (this.#wanted.length > 0 && this.#wanted[this.#wanted.length - 1] < end) {
      this.notes.push(this.#noteOf(into.u32, at, this.#wanted.pop()! - this.#done));
    }
    this.#last = this.#noteOf(into.u32, at, count - 1);
    this.#done = end;
  }

  /** The position of the tick `i` of a piece: ticks of its time before it may lie in the pieces before. */
  #noteOf(u32: Uint32Array, at: number, i: number): Note {
    const s = u32[(at + i) * RECORD_U32 + U32_TS_RECV_S];
    const ns = u32[(at + i) * RECORD_U32 + U32_TS_RECV_NS];
    let first = i;
    while (first > 0) {
      const w = (at + first - 1) * RECORD_U32;
      if (u32[w + U32_TS_RECV_S] !== s || u32[w + U32_TS_RECV_NS] !== ns) break;
      first--;
    }
    const [, lastS, lastNs] = this.#last;
    return first === 0 && lastS === s && lastNs === ns ? this.#last : [this.#done + first + 1, s, ns];
  }
}
