/** A process that reads some of a log and then stands still until it is ended; `hold` keeps a transaction open. */
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { openSegment } from '../../../src/log/storage/segments.js';
import { LogStream } from '../../../src/replay/stream.js';

const [folder, way] = process.argv.slice(2);
/** Kept alive: what is collected lets go of its transaction. */
let held: unknown;

if (way === 'hold') {
  const { folder: name } = openStore(folder, { readOnly: true }).segments()[0];
  const { blocks } = openSegment(folder, name, { readOnly: true });
  // An iterator that is not finished keeps its transaction.
  const iterator = blocks.getRange({ limit: 1000 })[Symbol.iterator]();
  iterator.next();
  held = [blocks, iterator];
} else {
  const stream = new LogStream(LogReader.open(folder), { filter: null });
  for (let i = 0; i < 100; i++) stream.next();
}
process.send!('reading');
setInterval(() => held, 1000);
