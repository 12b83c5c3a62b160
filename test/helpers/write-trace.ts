/** What a process wrote and flushed, as strace tells it, and the disks that a power cut may leave of it. */
import type { Random } from './random.js';

const PAGE_BYTES = 4096;

type Event =
  | { type: 'write'; file: string; at: number; bytes: Buffer; isFlushed: boolean }
  | { type: 'flush'; file: string }
  | { type: 'remove'; file: string }
  | { type: 'told'; durable: number };

export interface Disk {
  files: Map<string, Buffer>;
  /** What the process had told durable by then. */
  durable: number;
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

/** @param folder whose files matter */
export function readTrace(text: string, folder: string): Trace {
  const events: Event[] = [];
  const synchronous = new Set<string>();
  for (const call of wholeCalls(text)) {
    const event = eventOf(call, folder, synchronous);
    if (event !== undefined) events.push(event);
  }
  return {
    events,
    flushes: events.filter(({ type }) => type === 'flush').length,
    cut: (random) => cut(events, random),
  };
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
    const told = name === 'write' && target[1] === '1' ? /"durable":(\d+)/.exec(bytes.toString()) : null;
    return told === null ? undefined : { type: 'told', durable: Number(told[1]) };
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
  const disk: Disk = { files: new Map(), durable: 0 };
  const pending = new Map<string, Pending[]>();
  for (const event of events.slice(0, end)) {
    if (event.type === 'told') disk.durable = event.durable;
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
