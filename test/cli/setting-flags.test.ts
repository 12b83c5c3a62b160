/** The flags of `ticks serve` follow from the settings, and a fault names the flag that set the value. */
import { Command } from 'commander';
import t from 'tap';
import { addSettingFlags, settingsOfFlags } from '../../src/cli/support/setting-flags.js';
import { run, temporaryFolder } from './support.js';

const FEEDS = { feeds: { parse: (text: string) => [text], help: 'a feed' } };

function settingsOf(...args: string[]) {
  const command = addSettingFlags(new Command().exitOverride(), FEEDS);
  return settingsOfFlags(command.parse(args, { from: 'user' }).opts());
}

t.test('no flag sets nothing', async (t) => {
  t.same(settingsOf(), { settings: {}, origins: [] });
});

t.test('each flag sets its setting', async (t) => {
  const { settings, origins } = settingsOf(
    ...['--data', 'a', '--shards', '2', '--host', '::1', '-p', '0', '--feed', 'mt5', '--capture', 'b'],
  );
  t.same(settings, {
    dataFolder: 'a',
    shards: 2,
    feeds: ['mt5'],
    http: { host: '::1', port: 0 },
    capture: { folder: 'b' },
  });
  t.same(origins.map(({ path, name }) => `${path.join('.')} ${name}`).sort(), [
    'capture.folder --capture',
    'dataFolder --data',
    'feeds --feed',
    'http.host --host',
    'http.port --port',
    'shards --shards',
  ]);
});

t.test('--no-log keeps no log, whatever --data says', async (t) => {
  t.same(settingsOf('--no-log').settings, { dataFolder: false });
  t.same(settingsOf('--data', 'a', '--no-log').settings, { dataFolder: false });
});

t.test('a fault names its flag', async (t) => {
  const cwd = temporaryFolder(t);
  const ofFeed = await run(t, ['serve', '--feed', 'mt5={"port":-1}'], { cwd });
  t.equal(ofFeed.code, 2);
  t.equal(
    ofFeed.stderr,
    'ticks: feeds[0].options.port: port must be 0 to 65535 (set by --feed) [bad_config]\n',
  );
  const ofShards = await run(t, ['serve', '--shards', '17'], { cwd });
  t.equal(ofShards.code, 2);
  t.match(ofShards.stderr, /--shards <n>.*Expected a whole number from 1 to 16/);
});
