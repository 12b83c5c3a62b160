/** The error for a wrong request names the field, its valid values and what was sent, in the words of the protocol. */
import t from 'tap';
import { type Served, serve } from '../../helpers/fanout.js';
import type { Client } from '../../helpers/stream-client.js';

const SUBSCRIBE = { op: 'subscribe', symbols: ['*'] };
const HISTORY = { op: 'history', symbol: 'EURUSD', fromSymbolSeq: 1, toSymbolSeq: 2 };
const TIMES =
  'a cursor, a time in ISO 8601 such as "2024-06-19T08:00:00Z", or UNIX nanoseconds as decimal text';
const CASES: [object, string][] = [
  [
    { op: 'subscribes' },
    'op must be one of subscribe, unsubscribe, pause, resume, seek, history, auth, ping, not "subscribes".',
  ],
  [{}, 'op is missing: it must be one of subscribe, unsubscribe, pause, resume, seek, history, auth, ping.'],
  [{ op: 'subscribe' }, 'symbols is missing: it must be a list of names and patterns, at least one.'],
  [
    { op: 'subscribe', symbols: 'EURUSD' },
    'symbols must be a list of names and patterns, at least one, not "EURUSD".',
  ],
  [
    { op: 'subscribe', symbols: [] },
    'symbols must be a list of names and patterns, at least one, not an empty list.',
  ],
  [
    { op: 'subscribe', symbols: ['A', 7] },
    'symbols[1] must be a name or pattern of 1 to 128 characters, not 7.',
  ],
  [
    { op: 'subscribe', symbols: ['A', ''] },
    'symbols[1] must be a name or pattern of 1 to 128 characters, not "".',
  ],
  [{ ...SUBSCRIBE, mode: 'all' }, 'mode must be "latest" or "every", not "all".'],
  [
    { ...SUBSCRIBE, kinds: ['quotes'] },
    'kinds[0] must be "quote" or "trade" or "status" or "gap", not "quotes".',
  ],
  [
    { ...SUBSCRIBE, kinds: [] },
    'kinds must be a list of "quote", "trade", "status", "gap", at least one, not an empty list.',
  ],
  [
    { ...SUBSCRIBE, intervalMs: -1 },
    'intervalMs must be a number of milliseconds from 0 to 3600000, not -1.',
  ],
  [{ ...SUBSCRIBE, snapshot: 'no' }, 'snapshot must be true or false, not "no".'],
  [{ ...SUBSCRIBE, deliver: null }, 'deliver must be "published" or "durable", not null.'],
  [
    { ...SUBSCRIBE, mode: 'every', from: '2024-06-19', speed: 0 },
    'speed must be "max", or a number above 0 and up to 1000000, not 0.',
  ],
  [{ ...SUBSCRIBE, from: {} }, `from must be ${TIMES}, not a map.`],
  [{ ...SUBSCRIBE, from: -5 }, `from must be ${TIMES}, not -5.`],
  [
    { ...SUBSCRIBE, from: 1_718_784_000_123_456_800 },
    `from must be ${TIMES}, not 1718784000123456800. A float64, as numbers of JSON are, does not hold a time in nanoseconds.`,
  ],
  [
    { ...SUBSCRIBE, from: 1_718_784_000 },
    `from must be ${TIMES}, not 1718784000. It has 10 digits, as seconds have; UNIX nanoseconds have 17 to 19.`,
  ],
  [
    { ...SUBSCRIBE, from: '1718784000000' },
    `from must be ${TIMES}, not "1718784000000". It has 13 digits, as milliseconds have; UNIX nanoseconds have 17 to 19.`,
  ],
  [
    { ...SUBSCRIBE, from: '1718784000000000' },
    `from must be ${TIMES}, not "1718784000000000". It has 16 digits, as microseconds have; UNIX nanoseconds have 17 to 19.`,
  ],
  [
    { op: 'seek', sub: 1, from: '20240000' },
    `from must be ${TIMES}, not "20240000". It has 8 digits; UNIX nanoseconds have 17 to 19.`,
  ],
  [{ op: 'seek', from: '2024-06-19' }, 'sub is missing: it must be the number of a subscription.'],
  [{ op: 'pause', sub: '1' }, 'sub must be the number of a subscription, not "1".'],
  [
    { ...HISTORY, symbol: 'X'.repeat(200) },
    `symbol must be a name of 1 to 128 characters, not "${'X'.repeat(39)}….`,
  ],
  [{ ...HISTORY, fromSymbolSeq: 1.5 }, 'fromSymbolSeq must be a whole number from 0 to 4294967295, not 1.5.'],
  [{ ...HISTORY, toSeq: -1 }, 'toSeq must be a whole number from 0 on, not -1.'],
  [{ ...HISTORY, epoch: 0 }, 'epoch must be a whole number from 1 to 4294967295, not 0.'],
  [{ ...HISTORY, fromSymbolSeq: 9 }, 'fromSymbolSeq lies after toSymbolSeq: exchange them.'],
  [{ op: 'auth' }, 'token is missing: it must be a string of up to 8192 characters.'],
  [{ op: 'auth', token: 4711 }, 'token must be a string of up to 8192 characters.'],
];

async function refusal(client: Client, request: object): Promise<{ code: string; message: string }> {
  return client.request(request);
}

async function served(t: Pick<typeof import('tap').default, 'teardown'>): Promise<Served> {
  const server = await serve({ limits: { messagesPerSecond: 1e6 } });
  t.teardown(() => server.close());
  server.shard.define('EURUSD');
  return server;
}

for (const encoding of ['json', 'msgpack'] as const) {
  t.test(`${encoding}: what is wrong`, async (t) => {
    const client = await (await served(t)).connect(encoding);
    for (const [request, message] of CASES) {
      t.match(await refusal(client, request), { code: 'bad_request', message }, JSON.stringify(request));
      // Too many wrong requests in a row would close the connection.
      await client.request({ op: 'ping' });
    }
  });

  t.test(`${encoding}: any value in any field gets an error in our own words`, async (t) => {
    const client = await (await served(t)).connect(encoding);
    const values = [
      null,
      true,
      -1,
      0.5,
      2 ** 60,
      1e300,
      '',
      'x'.repeat(9000),
      [],
      [[]],
      [null],
      {},
      { a: 1 },
    ];
    const requests = [
      {
        ...SUBSCRIBE,
        mode: 'every',
        kinds: ['quote'],
        intervalMs: 0,
        snapshot: true,
        from: null,
        speed: 1,
        deliver: '',
      },
      { ...HISTORY, epoch: 1, fromSeq: 1, toSeq: 2 },
      { op: 'seek', sub: 1, from: null, speed: 1 },
      { op: 'auth', token: '' },
    ];
    for (const request of requests) {
      for (const field of Object.keys(request)) {
        for (const value of values) {
          const { code, message } = await refusal(client, { ...request, [field]: value });
          if (code !== 'bad_request') continue;
          const isOurs =
            /^[a-zA-Z]+(\[\d+\])? (must be|is missing|lies after|goes with)|^(deliver|speed)\b/.test(message);
          if (!isOurs || /Invalid|expected|received|Too (big|small)|undefined|object/.test(message))
            t.fail(`${field} ${JSON.stringify(value)?.slice(0, 50)}: ${message}`);
          await client.request({ op: 'ping' });
        }
      }
    }
  });
}

t.test('an id that cannot be echoed is named too', async (t) => {
  const client = await (await served(t)).connect('json');
  client.send({ op: 'ping', id: {} });
  await client.until(() => client.controls.length > 1);
  t.match(client.controls[1], {
    op: 'error',
    id: null,
    code: 'bad_request',
    message: 'id must be a finite number or a string of up to 128 characters, not a map.',
  });
});
