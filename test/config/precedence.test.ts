/** Flags over environment over config file over defaults, field by field. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/engine/config.js';
import type { FanoutOptions } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'tickwire-config-'));
const file = join(folder, 'c.json');
writeFileSync(
  file,
  JSON.stringify({
    shards: 2,
    maxSymbols: 100,
    http: { port: 1, heartbeatMs: 50 },
    log: { onStall: 'shed' },
  }),
);

t.test('defaults', async (t) => {
  const options = loadConfig();
  t.equal(options.shards, 1);
  t.equal(options.dataFolder, './data');
  t.match(options.http, { host: '127.0.0.1', port: 8080 });
  t.match(options.feeds, [{ name: 'mt5', type: 'mt5', options: { host: '127.0.0.1', port: 5555 } }]);
});

t.test('each source covers the one below', async (t) => {
  const environment = { PORT: '2', TICKWIRE_SHARDS: '3', TICKWIRE_DATA_FOLDER: 'elsewhere' };
  const flags = { http: { port: 3 }, dataFolder: undefined };
  const options = loadConfig({ file, environment, flags });
  t.equal((options.http as FanoutOptions).port, 3, 'a flag');
  t.equal((options.http as FanoutOptions).heartbeatMs, 50, 'its neighbour from the file');
  t.equal(options.shards, 3, 'the environment');
  t.equal(options.dataFolder, 'elsewhere', 'an absent flag covers nothing');
  t.equal(options.maxSymbols, 100, 'the file');
  t.equal(options.log?.onStall, 'shed');
  t.equal(options.log?.sync, 'every-commit', 'a default');
});

t.test('TICKWIRE_HTTP_PORT is more to the point than PORT', async (t) => {
  const options = loadConfig({ environment: { PORT: '2', TICKWIRE_HTTP_PORT: '4' } });
  t.equal((options.http as FanoutOptions).port, 4);
});

t.test('what can be switched off', async (t) => {
  const options = loadConfig({ flags: { http: false, dataFolder: false } });
  t.equal(options.http, false);
  t.equal(options.dataFolder, false);
  t.equal(loadConfig({ environment: { TICKWIRE_DATA_FOLDER: 'false' } }).dataFolder, false);
});
