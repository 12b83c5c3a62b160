/** Holds a log until it is killed. Argument: data folder. */
import { LogReader } from '../../src/log/reader.js';

LogReader.open(process.argv[2]).hold();
process.stdout.write('held\n');
setInterval(() => {}, 1_000);
