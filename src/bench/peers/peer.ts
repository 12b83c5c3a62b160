/**
 * A system that is compared with ours: how it is started, how a tick gets into it, and how its clients read.
 * Each is one file beside this one; `index.ts` lists them.
 */
import type { DialectEvents, DialectOptions } from '../harness/dialect.js';
import type { GcPauses } from '../harness/gc.js';
import type { PeerReader, Protocol } from './reader.js';

/** Topic that carries the full book where the publisher batches. */
export const BOOK = 0;

export interface PeerStart {
  /** Ids of symbols go from 1 to this. */
  symbols: number;
  connections: number;
  /** An empty folder of its own. */
  folder: string;
  /** Whether ticks come in batches, of all symbols, under the topic `BOOK`. */
  batched: boolean;
}

/** A process of the system, besides the one that publishes. */
export interface PeerProcess {
  name: string;
  pid: number;
  /** Garbage collections of its main thread since the last call; undefined: it is no program of Node. */
  gc?: () => Promise<GcPauses>;
}

export interface RunningPeer {
  /** Where its clients connect to. */
  port: number;
  version: string;
  /** Its settings beyond the defaults. */
  settings: Record<string, string | number | boolean>;
  /** Empty where the publisher's process serves the clients too. */
  processes: PeerProcess[];
  /** Hands on one tick, or a batch of them. The bytes are the system's from then on. */
  publish(topic: number, ticks: Buffer): void;
  /** After the ticks of one look at the schedule. */
  flush(): void;
  /** Whether it should be given nothing more for now. */
  isFull(): boolean;
  /** Whether it has not yet stored all that it was given; undefined: it stores nothing. */
  isBehind?(): boolean;
  /** Ends its processes, and all that it holds. */
  stop(): Promise<void>;
}

/** What a publisher that batches waits for, unless a peer says otherwise. */
export const BATCH_MS = 10;

export interface Peer {
  /** What it is, and how it was set up, in a line. */
  readonly what: string;
  /** Whether a client that joins is given the last value of each symbol. */
  readonly keepsLast: boolean;
  /** Milliseconds that its publisher gathers a batch for; undefined: `BATCH_MS`. */
  readonly batchMs?: number;
  /** What is missing to run it, and how to install it; null: nothing. */
  missing(): string | null;
  start(options: PeerStart): Promise<RunningPeer>;
  /** What its clients speak. `ticks` go to `reader.ticks`. */
  protocol(reader: PeerReader, options: PeerClients, events: DialectEvents): Protocol;
}

export interface PeerClients extends DialectOptions {
  batched: boolean;
}

/** Bytes that a system may hold for one client before it ends its connection, where that can be set. */
export const CLIENT_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes on the way from the publisher to a server, beyond which the publisher waits. */
export const PUBLISHER_BYTES_MAX = 1024 * 1024;
