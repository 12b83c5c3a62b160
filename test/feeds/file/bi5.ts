/** bi5 files for tests. */
import lzma from 'lzma-native';

/** A tick: milliseconds in the hour, ask and bid in points. */
export type Bi5Tick = [ms: number, ask: number, bid: number];

export async function bi5FileOf(ticks: readonly Bi5Tick[]): Promise<Buffer> {
  const bytes = Buffer.alloc(ticks.length * 20);
  ticks.forEach(([ms, ask, bid], i) => {
    bytes.writeUInt32BE(ms, i * 20);
    bytes.writeInt32BE(ask, i * 20 + 4);
    bytes.writeInt32BE(bid, i * 20 + 8);
    bytes.writeFloatBE(1.5, i * 20 + 12);
    bytes.writeFloatBE(0.75, i * 20 + 16);
  });
  const encoder = lzma.createStream('aloneEncoder');
  const pieces: Buffer[] = [];
  encoder.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = new Promise((resolve, reject) => encoder.on('end', resolve).on('error', reject));
  encoder.end(bytes);
  await ended;
  return Buffer.concat(pieces);
}
