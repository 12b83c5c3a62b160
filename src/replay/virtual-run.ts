/**
 * Plays a recording through a virtual engine on a grid of flushes. All entries up to a point of the grid are sequenced, then
 * every subscriber is flushed at that point. Points without events are skipped.
 */

import type { Time } from '../core/time.js';
import { turn } from '../pipeline/memory/doorbell.js';
import type { VirtualEngine } from './virtual-engine.js';

/** Pieces of the recording between two turns of the event loop. */
const PIECES_PER_TURN = 4_096;
/** Pieces between two reads of the clock. */
const PIECES_PER_LOOK = 64;

/** A recording, piece by piece. */
export interface VirtualSource {
  /** When the next piece was received; never before the one before it. Null at the end. */
  next(): Time | null;
  /** Offers it. False: there is no room yet. */
  give(): boolean;
}

/** Milliseconds of real time after which the event loop turns, in which a signal is noticed. */
const TURN_MS = 50;

export interface VirtualRunOptions {
  /** Milliseconds between two points of the grid, which counts from the UNIX epoch. */
  flushMs: number;
  signal: AbortSignal;
  /** Waits until the output so far was consumed. */
  drain(): Promise<void>;
}

/** @returns pieces that were played */
export async function runVirtual(
  engine: VirtualEngine,
  source: VirtualSource,
  { flushMs, signal, drain }: VirtualRunOptions,
): Promise<number> {
  let pieces = 0;
  let turnedAt = performance.now();
  const first = source.next();
  // Subscribers begin before the first tick.
  let pointMs = first === null ? 0 : (Math.ceil(msOf(first) / flushMs) - 1) * flushMs;
  engine.flush(pointMs);
  for (;;) {
    const next = source.next();
    const wantedMs = Math.min(next === null ? Number.POSITIVE_INFINITY : msOf(next), engine.dueAtMs);
    if (wantedMs === Number.POSITIVE_INFINITY || signal.aborted) return pieces;
    pointMs = Math.max(pointMs + flushMs, Math.ceil(wantedMs / flushMs) * flushMs);
    for (let at = next; at !== null && msOf(at) <= pointMs; at = source.next()) {
      engine.clock.set(at.seconds, at.nanos);
      while (!source.give()) if (engine.work()) engine.flush(pointMs);
      if (++pieces % PIECES_PER_LOOK === 0 && performance.now() - turnedAt > TURN_MS) {
        await turn();
        turnedAt = performance.now();
        if (signal.aborted) return pieces;
      }
      if (pieces % PIECES_PER_TURN !== 0) continue;
      if (engine.work()) engine.flush(pointMs);
      await drain();
      await turn();
      turnedAt = performance.now();
      if (signal.aborted) return pieces;
    }
    // A quiet recording has many points and few pieces.
    if (performance.now() - turnedAt > TURN_MS) {
      await turn();
      turnedAt = performance.now();
    }
    engine.work();
    engine.clock.set(Math.floor(pointMs / 1000), (pointMs % 1000) * 1e6);
    engine.flush(pointMs);
    await drain();
  }
}

function msOf({ seconds, nanos }: Time): number {
  return seconds * 1000 + nanos / 1e6;
}
