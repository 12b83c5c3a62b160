/** What processes wrote and flushed, as strace tells it, and the disks that a power cut may leave of it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Random } from '../random.js';

const PAGE_BYTES = 4096;

type Event =
  | { type: 'write'; file: string; at: number; bytes: Buffer; isFlushed: boolean }
  | { type: 'flush'; file: string }
  | { type: 'remove'; file: string }
  | { type: 'told'; epoch: number; durable: number };

export interface Disk {
  files: Map<string, Buffer>;
  /** By epoch, what had been told durable by then. */
  durable: Map<number, number>;
}

export interface Trace {
  events: Event[];
  flushes: number;
  cut(random: Random): Disk;
}

const HEX = /\\x([0-9a-f]{2})/g;

function bytesOf(text: string): Buffer {
  return Buffer.from(text.replace(HEX, '$1'), 'hex');
}

function pathOf(text: string): string {
  return bytesOf(text).toString();
}

/** Calls that another thread's came between are told in two lines: they count when they ended. */
function* wholeCalls(text: string): Generator<string> {
  const begun = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    const thread = line.slice(0, at);
    const call = line.slice(at).trimStart();
    if (call.endsWith('<unfinished ...>')) {
      begun.set(thread, call.slice(0, call.lastIndexOf(' <unfinished')));
    } else if (call.startsWith('<... ')) {
      yield `${begun.get(thread) ?? ''}${call.slice(call.indexOf('resumed>') + 'resumed>'.length)}`;
      begun.delete(thread);
    } else {
      yield call;
    }
  }
}

/** What one process did. */
export interface Run {
  /** As strace wrote it. */
  text: string;
  /** The files that it left. */
  files: Map<string, Buffer>;
}

/** The environments below a folder. */
export function filesIn(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names
    .filter((name) => path.basename(name) === 'data.mdb')
    .map((name) => path.join(folder, name));
  return new Map(files.map((file) => [file, readFileSync(file)]));
}

/**
 * @param runs one after the other
 * @param folder whose files matter
 */
export function readTrace(runs: readonly Run[], folder: string): Trace {
  const events: Event[] = [];
  for (const { text, files } of runs) {
    const synchronous = new Set<string>();
    for (const call of wholeCalls(text)) {
      const event = eventOf(call, folder, synchronous);
      if (event !== undefined) events.push(event);
    }
    for (const [file, bytes] of files) events.push(...untold(events, file, bytes));
  }
  return {
    events,
    flushes: events.filter(({ type }) => type === 'flush').length,
    cut: (random) => cut(events, random),
  };
}

/** Writes that were done and not told of any more when their process was killed. */
function* untold(events: readonly Event[], file: string, bytes: Buffer): Generator<Event> {
  const told: Disk = { files: new Map(), durable: new Map() };
  for (const event of events) {
    if (event.type === 'remove' && event.file === file) told.files.delete(file);
    if (event.type === 'write' && event.file === file) put(told, file, event);
  }
  const before = told.files.get(file) ?? Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const page = bytes.subarray(at, at + PAGE_BYTES);
    const isTold = before.length >= at + page.length && page.equals(before.subarray(at, at + page.length));
    if (!isTold && !(at >= before.length && page.every((byte) => byte === 0))) {
      yield { type: 'write', file, at, bytes: page, isFlushed: false };
    }
  }
}

function eventOf(call: string, folder: string, synchronous: Set<string>): Event | undefined {
  const name = call.slice(0, call.indexOf('('));
  const result = Number(/= (-?\d+)(<[^>]*>)?[^=]*$/.exec(call)?.[1] ?? -1);
  if (result < 0) return undefined;
  if (name === 'openat') {
    const opened = /= (\d+)<([^>]*)>/.exec(call);
    if (opened === null) return undefined;
    const key = `${opened[1]} ${pathOf(opened[2])}`;
    if (call.includes('O_DSYNC')) synchronous.add(key);
    else synchronous.delete(key);
    return undefined;
  }
  if (name === 'unlink') {
    const file = pathOf(/"([^"]*)"/.exec(call)?.[1] ?? '');
    return file.startsWith(folder) ? { type: 'remove', file } : undefined;
  }
  const target = /^\w+\((\d+)<([^>]*)>/.exec(call);
  if (target === null) return undefined;
  const file = pathOf(target[2]);
  const isFlushed = synchronous.has(`${target[1]} ${file}`);
  const values = [...call.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((m) => bytesOf(m[1]));
  const bytes = Buffer.concat(values);
  if (!file.startsWith(folder)) {
    const told =
      name === 'write' && target[1] === '1'
        ? /(?:"epoch":(\d+).*)?"durable":(\d+)/.exec(bytes.toString())
        : null;
    return told === null
      ? undefined
      : { type: 'told', epoch: Number(told[1] ?? 1), durable: Number(told[2]) };
  }
  if (name === 'fdatasync' || name === 'fsync') return { type: 'flush', file };
  if (name === 'pwrite64') {
    const at = Number(/, (\d+)\) += \d+/.exec(call)?.[1]);
    return { type: 'write', file, at, bytes, isFlushed };
  }
  if (name === 'writev') {
    // lmdb has set the place before; each page begins with its number.
    const at = Number(bytes.readBigUInt64LE(0)) * PAGE_BYTES;
    return { type: 'write', file, at, bytes, isFlushed };
  }
  return undefined;
}

interface Pending {
  at: number;
  bytes: Buffer;
}

/** Stops at a random event; of what was not flushed, each page of each write reaches the disk or does not. */
function cut(events: readonly Event[], random: Random): Disk {
  const end = 1 + random.below(events.length);
  const disk: Disk = { files: new Map(), durable: new Map() };
  const pending = new Map<string, Pending[]>();
  for (const event of events.slice(0, end)) {
    if (event.type === 'told') disk.durable.set(event.epoch, event.durable);
    else if (event.type === 'remove') {
      disk.files.delete(event.file);
      pending.delete(event.file);
    } else if (event.type === 'flush') {
      for (const write of pending.get(event.file) ?? []) put(disk, event.file, write);
      pending.delete(event.file);
    } else if (event.isFlushed) put(disk, event.file, event);
    else pending.set(event.file, [...(pending.get(event.file) ?? []), event]);
  }
  const share = random.below(5);
  for (const [file, writes] of pending) {
    for (const { at, bytes } of writes) {
      for (let from = 0; from < bytes.length; from += PAGE_BYTES) {
        const page = bytes.subarray(from, from + PAGE_BYTES);
        if (random.below(4) < share) put(disk, file, { at: at + from, bytes: page });
      }
    }
  }
  return disk;
}

function put(disk: Disk, file: string, { at, bytes }: Pending): void {
  const before = disk.files.get(file) ?? Buffer.alloc(0);
  let after = before;
  if (at + bytes.length > before.length) {
    after = Buffer.alloc(at + bytes.length);
    before.copy(after);
    disk.files.set(file, after);
  }
  bytes.copy(after, at);
}
