/** Every setting has an environment variable, whose name follows from the setting's, and which sets it. */
import t from 'tap';
import { codeOf, messageOf } from '../../src/core/errors.js';
import { loadConfig } from '../../src/engine/config.js';
import type { SettingLine } from '../../src/engine/settings/describe.js';
import { readEnvironment, SETTINGS, variableOf } from '../../src/engine/settings/environment.js';

/** Values of settings that are more than a number or any text; `capture.fileBytes` needs its folder beside it. */
const SAMPLES: Record<string, unknown> = {
  feeds: [{ name: 'market', type: 'synthetic' }],
  'log.sync': 'os',
  'log.onStall': 'shed',
  'log.compression': 'brotli',
  'log.recompress': 'deflate',
  http: false,
  'http.allowedOrigins': ['https://a.example'],
  'http.allowedHosts': ['a.example'],
  'http.trustedProxies': ['10.0.0.1'],
  'http.auth.keys': [{ name: 'a', token: '0123456789abcdef' }],
  'rings.broadcast': 16_384,
};
const BESIDE = { TICKWIRE_CAPTURE_FOLDER: 'captures' };

/** A value that differs from the default. */
function sampleOf(line: SettingLine): unknown {
  const sample = SAMPLES[line.path.join('.')];
  if (sample !== undefined) return sample;
  if (line.reads === 'text') return 'a-text';
  return line.path[0] === 'rings' ? 2 : (line.minimum ?? 0) + 3;
}

function valueAt(settings: unknown, path: readonly string[]): unknown {
  return path.reduce((at, key) => (at as Record<string, unknown> | undefined)?.[key], settings);
}

function faultOf(environment: Record<string, string>): string {
  try {
    loadConfig({ environment });
  } catch (error) {
    if (codeOf(error) === 'bad_config') return messageOf(error);
    throw error;
  }
  return '';
}

t.test('each setting is set by its variable', async (t) => {
  const standard = loadConfig({ environment: BESIDE });
  for (const line of SETTINGS) {
    const sample = sampleOf(line);
    const name = variableOf(line.path);
    const text = typeof sample === 'object' ? JSON.stringify(sample) : String(sample);
    const settings = loadConfig({ environment: { ...BESIDE, [name]: text } });
    t.match(valueAt(settings, line.path), sample, name);
    t.notMatch(valueAt(standard, line.path), sample, `${name}: not the default`);
  }
});

t.test('names follow one rule', async (t) => {
  t.equal(variableOf(['shards']), 'TICKWIRE_SHARDS');
  t.equal(variableOf(['log', 'retention', 'ageDays']), 'TICKWIRE_LOG_RETENTION_AGE_DAYS');
  t.equal(
    variableOf(['http', 'limits', 'connectionsPerAddress']),
    'TICKWIRE_HTTP_LIMITS_CONNECTIONS_PER_ADDRESS',
  );
  const names = SETTINGS.map(({ path }) => variableOf(path));
  t.equal(new Set(names).size, names.length, 'no two settings share a name');
});

t.test('an empty variable counts as absent', async (t) => {
  t.same(readEnvironment({ TICKWIRE_SHARDS: '', PORT: '' }), { settings: {}, origins: [], faults: [] });
});

t.test('the server is switched off whatever else is set of it', async (t) => {
  t.equal(loadConfig({ environment: { TICKWIRE_HTTP: 'false', TICKWIRE_HTTP_PORT: '1' } }).http, false);
});

t.test('a fault names the variable that set the value', async (t) => {
  t.equal(
    faultOf({ TICKWIRE_LOG_COMMIT_BYTES: '8 MiB' }),
    'log.commitBytes: expected number, got string "8 MiB" (set by TICKWIRE_LOG_COMMIT_BYTES)',
  );
  t.equal(
    faultOf({ PORT: '1', TICKWIRE_HTTP_PORT: '-1' }),
    'http.port: expected at least 0, got number -1 (set by TICKWIRE_HTTP_PORT)',
  );
  t.equal(
    faultOf({ TICKWIRE_FEEDS: '[{"name":"a","type":"mt5","options":{"port":-1}}]' }),
    'feeds[0].options.port: port must be 0 to 65535 (set by TICKWIRE_FEEDS)',
  );
  t.equal(
    faultOf({ TICKWIRE_HTTP: 'off' }),
    'http: expected object or false, got string "off" (set by TICKWIRE_HTTP)',
  );
  t.match(
    faultOf({ TICKWIRE_HTTP_IDLE: '1' }),
    /^TICKWIRE_HTTP_IDLE: unknown variable; did you mean "TICKWIRE_HTTP_/,
  );
});
