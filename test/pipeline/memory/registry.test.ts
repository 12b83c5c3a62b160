/** The registry: one id a name for ever, versions, persistence, limits, and a lock that no dead thread keeps. */
import t from 'tap';
import { TickwireError } from '../../../src/core/errors.js';
import { BUCKETS } from '../../../src/core/limits.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { bucketOfName } from '../../../src/pipeline/memory/registry-entries.js';

const KB = 64 * 1024;

function code(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return error instanceof TickwireError ? error.code : String(error);
  }
  return 'nothing thrown';
}

t.test('one id a name; a changed definition is a new version', async (t) => {
  const memory = Registry.allocate(KB);
  const registry = new Registry(memory, 16);
  const other = new Registry(memory, 16);
  const a = registry.defineSymbol({ name: 'EURUSD', digits: 5 });
  const b = registry.defineSymbol({ name: 'SPREAD', digits: 2, negative: true });
  t.same([a, b], [1, 2], 'id 0 is the engine itself');
  t.equal(registry.defineSymbol({ name: 'EURUSD', digits: 5 }), a);
  t.equal(registry.version[a], 1, 'the same again changes nothing');
  t.equal(other.defineSymbol({ name: 'EURUSD', digits: 3 }), a, 'another view finds it');
  t.equal(other.version[a], 1, 'who knows fewer digits changes nothing');
  other.defineSymbol({ name: 'EURUSD', digits: 6 });
  t.equal(other.version[a], 2);
  t.equal(registry.version[a], 1, 'not seen yet');
  t.ok(registry.refresh());
  t.notOk(registry.refresh());
  t.equal(registry.version[a], 2);
  t.equal(registry.digits[a], 6);
  t.same([registry.negative[a], registry.negative[b]], [0, 1]);
  for (const change of [{ ttlMs: 5 }, { negative: true }, { ttlMs: 6, negative: true }]) {
    const before = registry.version[a];
    registry.defineSymbol({ name: 'EURUSD', digits: 3, ...change });
    t.equal(registry.version[a], before + 1, JSON.stringify(change));
  }
  t.equal(registry.symbolId('SPREAD'), b);
  t.equal(registry.symbolId('spread'), undefined);
  t.equal(registry.symbolCount, 3);
});

t.test('sources and aliases', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  const first = registry.defineSource({ feed: 'mt5', name: 'a' });
  t.equal(first.id, 1);
  t.equal(registry.defineSource({ feed: 'file', name: 'a' }).id, 2, 'a name belongs to its feed');
  const length = registry.length;
  t.equal(registry.defineSource({ feed: 'mt5', name: 'a' }).id, 1);
  t.equal(registry.length, length, 'the same again takes no room');
  registry.defineSource({ feed: 'mt5', name: 'a', stream: 's', base: 7 });
  t.match(registry.sources[1], { id: 1, stream: 's', base: 7 });
  registry.defineAlias(1, 'EURUSD.m', 3);
  registry.defineAlias(1, 'EURUSD.m', 3);
  t.same(registry.aliases, [{ t: 'alias', source: 1, raw: 'EURUSD.m', symbol: 3 }]);
});

t.test('bytes that were kept bring everything back', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  registry.defineSymbol({ name: 'Währung€', digits: 5, ttlMs: 100 });
  registry.defineSource({ feed: 'f', name: 'ü', info: { account: 1 } });
  const half = registry.length;
  registry.defineSymbol({ name: 'X', digits: 0 });
  registry.defineSymbol({ name: 'Währung€', digits: 4 });
  registry.defineAlias(1, 'x.', 2);
  const kept = Buffer.concat([registry.bytesFrom(0).subarray(0, half), registry.bytesFrom(half)]);
  t.notOk(registry.bytesFrom(0).buffer instanceof SharedArrayBuffer, 'a copy of one’s own');
  const again = new Registry(Registry.allocate(KB), 16);
  again.load(kept);
  t.same(again.symbols, registry.symbols);
  t.same(again.sources, registry.sources);
  t.same(again.aliases, registry.aliases);
  t.same([...again.version], [...registry.version]);
  t.equal(again.defineSymbol({ name: 'X', digits: 0 }), 2);
  t.equal(again.defineSymbol({ name: 'Y', digits: 0 }), 3, 'and ids go on');
  t.throws(() => again.load(kept), RangeError, 'only an empty one can be loaded');
});

t.test('too much to load says so', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  for (let i = 0; i < 10; i++) registry.defineSymbol({ name: `S${i}`, digits: 1 });
  const kept = registry.bytesFrom(0);
  t.equal(
    code(() => new Registry(Registry.allocate(64), 16).load(kept)),
    'registry_full',
  );
  t.equal(
    code(() => new Registry(Registry.allocate(KB), 10).load(kept)),
    'registry_full',
  );
  t.equal(
    code(() => new Registry(Registry.allocate(KB), 11).load(kept)),
    'nothing thrown',
  );
});

t.test('bad names and digits', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  const bad = ['', ' ', ' A', 'A ', 'A\t', 'A\nB', '\u0000', 'A\u202eB', 'A\u2028', '\ud800', '$engine'];
  for (const name of [...bad, 'x'.repeat(65), '€'.repeat(22)])
    t.throws(
      () => registry.defineSymbol({ name, digits: 1 }),
      { code: 'bad_input', message: /an alias/ },
      Buffer.from(name).toString('hex'),
    );
  for (const digits of [-1, 16, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    t.equal(
      code(() => registry.defineSymbol({ name: 'A', digits })),
      'bad_input',
      `digits ${digits}`,
    );
  t.equal(registry.length, 0, 'nothing was kept of them');
  t.equal(registry.defineSymbol({ name: 'x'.repeat(64), digits: 15 }), 1);
  t.equal(registry.defineSymbol({ name: '€'.repeat(21), digits: 0 }), 2);
});

t.test('full: of symbols, and of bytes', async (t) => {
  const few = new Registry(Registry.allocate(KB), 3);
  few.defineSymbol({ name: 'A', digits: 1 });
  few.defineSymbol({ name: 'B', digits: 1 });
  t.equal(
    code(() => few.defineSymbol({ name: 'C', digits: 1 })),
    'registry_full',
  );
  t.equal(few.defineSymbol({ name: 'A', digits: 1 }), 1, 'what is known stays known');
  t.equal(few.defineSymbol({ name: 'A', digits: 2 }), 1, 'and may change');
  const small = new Registry(Registry.allocate(256), 100);
  let defined = 0;
  while (code(() => small.defineSymbol({ name: `S${defined}`, digits: 1 })) === 'nothing thrown') defined++;
  t.ok(defined > 0);
  t.equal(
    code(() => small.defineSource({ feed: 'f', name: 'n' })),
    'registry_full',
  );
  t.equal(new Registry(small.memory, 100).symbolCount, defined + 1, 'the refused one left nothing behind');
});

t.test('the lock of a dead holder is freed', async (t) => {
  const memory = Registry.allocate(KB);
  const words = new Int32Array(memory, 0, 1);
  const registry = new Registry(memory, 16, 5);
  words[0] = (77 << 8) | (3 + 1);
  registry.releaseIfHeldBy(5);
  t.equal(words[0], (77 << 8) | 4, 'not for another stage');
  registry.releaseIfHeldBy(3);
  t.equal(words[0], 0);
  words[0] = (78 << 8) | (3 + 1);
  t.equal(registry.defineSymbol({ name: 'A', digits: 1 }), 1, 'and without a supervisor after a while');
  t.equal(words[0], 0);
});

t.test(
  'a thread that lost the lock does its work again, on what others have written meanwhile',
  async (t) => {
    const memory = Registry.allocate(KB);
    const words = new Int32Array(memory, 0, 1);
    const slow = new Registry(memory, 16, 1);
    const other = new Registry(memory, 16, 2);
    let isFirst = true;
    const refresh = slow.refresh.bind(slow);
    slow.refresh = () => {
      const grew = refresh();
      // In the middle of its work, under the lock, it is taken for dead.
      if (words[0] !== 0 && isFirst) {
        isFirst = false;
        Atomics.store(words, 0, 0);
        other.defineSymbol({ name: 'OTHER', digits: 1 });
      }
      return grew;
    };
    t.equal(slow.defineSymbol({ name: 'SLOW', digits: 1 }), 2);
    t.same([other.symbolId('OTHER'), new Registry(memory, 16).symbolId('SLOW')], [1, 2]);
    t.equal(words[0], 0);
  },
);

t.test('buckets never change: positions in logs go by them', async (t) => {
  const names = ['EURUSD', 'GBPUSD', 'XAUUSD', 'BTCUSDT', 'US500.cash', 'WIN$', 'Währung€', 'A'];
  const fnv = (name: string) => {
    let h = 2166136261n;
    for (const b of Buffer.from(name)) h = ((h ^ BigInt(b)) * 16777619n) % 2n ** 32n;
    return Number((h ^ (h >> 15n)) % 16n);
  };
  t.same(names.map(bucketOfName), names.map(fnv));
  t.equal(BUCKETS, 16);
  const seen = new Set(Array.from({ length: 500 }, (_, i) => bucketOfName(`S${i}`)));
  t.equal(seen.size, BUCKETS, 'all are used');
});
