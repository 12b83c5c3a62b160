/** What is wrong in the settings is told by the field's name, with what to do. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { codeOf, messageOf } from '../../src/core/errors.js';
import { loadConfig } from '../../src/engine/config.js';
import { createEngine } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/options.js';

function faultOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (codeOf(error) === 'bad_config') return messageOf(error);
    throw error;
  }
  return '';
}

const ofFlags = (flags: object) => faultOf(() => loadConfig({ flags }));
const mt5 = { name: 'mt5', type: 'mt5' };

t.test('a wrong type', async (t) => {
  t.equal(ofFlags({ shards: 'two' }), 'shards: expected number, got string "two"');
  t.equal(
    ofFlags({ feeds: [mt5, { name: 'b', type: 'mt5', options: { port: 'abc' } }] }),
    'feeds[1].options.port: port must be a whole number',
  );
  t.equal(ofFlags({ http: { port: 'abc' } }), 'http.port: expected number, got string "abc"');
  t.equal(
    ofFlags({ log: { sync: 'never' } }),
    'log.sync: expected "every-commit" or "interval" or "os", got string "never"',
  );
  t.equal(ofFlags({ dataFolder: 3 }), 'dataFolder: expected string or false, got number 3');
});

t.test('a value out of its bounds', async (t) => {
  t.equal(ofFlags({ shards: 0 }), 'shards: expected at least 1, got number 0');
  t.equal(ofFlags({ shards: 1.5 }), 'shards: expected a whole number, got number 1.5');
  t.equal(ofFlags({ http: { port: 70_000 } }), 'http.port: expected at most 65535, got number 70000');
});

t.test('an unknown setting is refused with a hint', async (t) => {
  t.equal(ofFlags({ shard: 2 }), 'shard: unknown setting; did you mean "shards"?');
  t.equal(ofFlags({ http: { prot: 1 } }), 'http.prot: unknown setting; did you mean "port"?');
  t.match(
    ofFlags({ rings: { colour: 1 } }),
    'rings.colour: unknown setting; known here: raw, broadcast, critical',
  );
  t.equal(
    ofFlags({ feeds: [{ ...mt5, options: { secrt: 'long enough' } }] }),
    'feeds[0].options.secrt: unknown setting; did you mean "secret"? mt5 has host, port, secret, idleTimeoutMs, ackIntervalMs',
  );
});

t.test('an option of another feed type', async (t) => {
  const feed = (type: string, options: object) => ({ feeds: [{ name: 'x', type, options }] });
  t.match(
    ofFlags(feed('synthetic', { speed: 3 })),
    /^feeds\[0\]\.options\.speed: unknown setting; .*\bsynthetic has rate, swing, /,
  );
  t.match(
    ofFlags(feed('mt5', { zone: 'UTC' })),
    /^feeds\[0\]\.options\.zone: unknown setting; .*host, port, /,
  );
});

t.test('a file feed without its files', async (t) => {
  const folder = t.testdir({ 'a.csv': '' });
  const feed = (path: string | string[]) => ({ feeds: [{ name: 'x', type: 'file', options: { path } }] });
  const gone = `${folder}/gone`;
  const told = `feeds[0].options.path: there is no file or folder ${gone}`;
  t.equal(ofFlags(feed(gone)), told);
  t.equal(ofFlags(feed([`${folder}/a.csv`, gone])), told);
  t.equal(ofFlags(feed(`${gone}/*.csv`)), `${told}/*.csv`);
  loadConfig({ flags: feed([folder, `${folder}/*.csv`, `${folder}/a.csv`]) });
  const options = {
    dataFolder: false,
    feeds: [{ name: 'x', type: 'file', options: { path: gone } }],
  } as const;
  await t.rejects(createEngine(options as unknown as EngineOptions), {
    code: 'bad_config',
    message: `feeds[0].options.path: there is no file or folder ${gone}`,
  });
});

t.test('a bad feed', async (t) => {
  t.match(
    ofFlags({ feeds: [{ name: 'x', type: 'mt4' }] }),
    /^feeds\[0\]\.type: expected "mt5" or .*, got string "mt4"$/,
  );
  t.match(ofFlags({ feeds: [{ type: 'mt5' }] }), /^feeds\[0\]\.name: expected string, got nothing: set it$/);
  t.match(
    ofFlags({ feeds: [{ ...mt5, options: { host: '0.0.0.0' } }] }),
    /^feeds\[0\]\.options\.secret: .*set a secret/,
  );
  t.match(ofFlags({ feeds: 'mt5' }), /^feeds: expected array, got string "mt5"$/);
});

t.test('every fault is told at once', async (t) => {
  const lines = ofFlags({ shards: 'a', maxSymbols: 'b', feeds: [{ ...mt5, options: { port: -1 } }] }).split(
    '\n',
  );
  t.equal(lines.length, 3);
});

t.test('a config file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-config-'));
  const path = join(folder, 'tickwire.json');
  const ofFile = (text: string) => {
    writeFileSync(path, text);
    return faultOf(() => loadConfig({ file: path }));
  };
  t.match(ofFile('{\n  "shards": 1,\n  "log": { sync: 1 }\n}'), /tickwire\.json is not valid JSON, line 3: /);
  t.match(ofFile('{\n  "shards": 1\n'), /is not valid JSON, line 3: Expected|Unexpected end/);
  t.match(ofFile('[1]'), /must hold one JSON object/);
  t.match(ofFile('{"shards": "x"}'), 'shards: expected number, got string "x"');
  t.match(
    faultOf(() => loadConfig({ file: join(folder, 'none.json') })),
    /none\.json cannot be read: there is no such file/,
  );
});

t.test('environment variables', async (t) => {
  const of = (environment: Record<string, string>) => faultOf(() => loadConfig({ environment }));
  t.equal(of({ PORT: 'abc' }), 'http.port: expected number, got string "abc" (set by PORT)');
  t.equal(of({ TICKWIRE_SHARD: '2' }), 'TICKWIRE_SHARD: unknown variable; did you mean "TICKWIRE_SHARDS"?');
  t.match(of({ TICKWIRE_FEEDS: '[{' }), /^TICKWIRE_FEEDS is not valid JSON, line 1: /);
});

t.test('no fault shows a token, wherever it was put', async (t) => {
  const secret = 'a-token-that-nobody-sees';
  const misplaced = [
    secret,
    [secret],
    { [secret]: 1 },
    [{ name: 'a', token: [secret] }],
    [{ token: secret }],
  ];
  for (const auth of [secret, [secret]])
    t.equal(ofFlags({ http: { auth } }), 'http.auth: must be an object {keys}');
  for (const keys of [
    ...misplaced,
    [{ name: 'a', tokenSha256: secret }],
    [{ name: 'a', token: `${secret} ` }],
  ]) {
    const fault = ofFlags({ http: { auth: { keys } } });
    t.match(fault, /^http\.auth\.keys/);
    t.notMatch(fault, secret);
  }
});
