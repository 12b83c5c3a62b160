/**
 * Holds a data folder until it is killed. Arguments: what holds it (`engine`, `reader`, `folder`), the folder.
 * Says `held`, or why it cannot.
 */
import { codeOf, messageOf } from '../../../src/core/errors.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { FolderLock } from '../../../src/log/storage/folder-lock.js';
import { openLog } from '../../../src/log/write/open-log.js';

const [, , what, folder] = process.argv;
try {
  if (what === 'engine') await openLog(folder, { shards: 1 });
  else if (what === 'reader') LogReader.open(folder).hold();
  else FolderLock.take(folder);
  process.stdout.write(`held ${process.pid}\n`);
  setInterval(() => {}, 1_000);
} catch (error) {
  process.stdout.write(`${codeOf(error)} ${messageOf(error)}\n`);
  process.exit(1);
}
