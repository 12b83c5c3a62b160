/**
 * The bytes of a file, decompressed on the way. A compressed file that breaks off still gives everything
 * before the cut: Node's own stream iteration would throw the decoded rest away with the error.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import lzma from 'lzma-native';
import { turn } from '../../pipeline/memory/doorbell.js';

/** Small pieces bound what one of them can blow up to. */
const PIECE_BYTES = 16 * 1024;

/** Files up to it are read at once: a stream would cost more than they do. */
const SMALL_BYTES = 64 * 1024;

function* piecesOf(path: string): Generator<Buffer> {
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Decompressed bytes of a file, by the compression that its name says (`.gz`, `.bi5`), else as they are. */
export async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const isSmall = statSync(path).size <= SMALL_BYTES;
  const file = isSmall ? piecesOf(path) : createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (/\.gz$/i.test(path)) {
    for await (const pieces of through<Buffer>(file, createGunzip())) yield* pieces;
  } else if (/\.bi5$/i.test(path)) {
    const decoder = lzma.createStream('aloneDecoder') as unknown as Transform;
    for await (const pieces of through<Buffer>(file, decoder)) yield* pieces;
  } else {
    yield* file;
  }
}

/**
 * Runs the source through a decoder or parser, and yields what comes out in groups, as it comes.
 * An error of either is thrown only after all that was decoded before it. An empty source gives nothing.
 */
export async function* through<T>(
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
  stage: Transform,
): AsyncGenerator<T[]> {
  let ready: T[] = [];
  let fault: unknown;
  let hasInput = false;
  stage.on('data', (item: T) => ready.push(item));
  const failed = new Promise<void>((resolve) => {
    stage.once('error', (error) => {
      fault = error;
      resolve();
    });
  });
  const ended = new Promise<void>((resolve) => stage.once('end', resolve));
  const take = (): T[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  try {
    try {
      for await (const piece of source) {
        hasInput = true;
        const written = new Promise<void>((resolve) => stage.write(piece, () => resolve()));
        await Promise.race([written, failed]);
        if (ready.length > 0) yield take();
        if (fault !== undefined) break;
      }
    } catch (error) {
      fault = error;
    }
    if (fault === undefined && hasInput) {
      stage.end();
      await Promise.race([ended, failed]);
    }
    await turn();
    if (ready.length > 0) yield take();
  } finally {
    stage.destroy();
  }
  if (fault !== undefined) throw fault;
}
