/** Follows a server, or begins to, and closes on a line of stdin; what keeps the process then is the client's. */
import { once } from 'node:events';
import { TickClient } from '../../../src/client/index.js';

const [url, stage] = process.argv.slice(2);
const client = new TickClient(url, { reconnect: { initialDelayMs: 10, maxDelayMs: 50, first: true } });
client.on('close', ({ reason }) => console.log(`lost: ${reason}`));
const connecting = client.connect();
if (stage === 'connecting') {
  connecting.catch(() => {});
  console.log('connecting');
} else {
  await connecting;
  await client.subscribe({ symbols: ['*'], mode: 'every' }, () => {}).ready;
  console.log('following');
}
await once(process.stdin, 'data');
process.stdin.destroy();
client.close();
