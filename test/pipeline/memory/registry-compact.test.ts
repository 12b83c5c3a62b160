/** What was superseded makes room: nothing that a terminal may say again and again fills the registry for good. */
import t from 'tap';
import { FEED_SOURCES_KEPT, REGISTRY_BYTES, SOURCES_MAX } from '../../../src/core/limits.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import type { SourceEntry } from '../../../src/pipeline/memory/registry-entries.js';
import { RegistryWatch } from '../../../src/pipeline/memory/registry-watch.js';
import { Faults } from '../../helpers/faults.js';
import { onThread } from '../../helpers/threads.js';

const KB = 64 * 1024;
const stream = (i: number) => ({ feed: 'mt5', name: 'terminal', stream: `s${i}`, base: i });

t.test('fresh stream ids without end', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  const other = new Registry(registry.memory, 16);
  registry.defineSymbol({ name: 'EURUSD', digits: 5 });
  const lone = registry.defineSource({ feed: 'file', name: 'day.csv' });
  let seen = other.seen;
  for (let i = 1; i <= 20_000; i++) {
    registry.defineSource(stream(i));
    if (i % 997 !== 0) continue;
    t.ok(other.refresh());
    t.match(other.sources[2], stream(i), 'another view has the newest');
    t.not(other.seen, seen);
    seen = other.seen;
  }
  const afresh = new Registry(registry.memory, 16);
  for (const view of [registry, other, afresh]) {
    view.refresh();
    t.match(view.source('mt5', 'terminal'), { id: 2, ...stream(20_000) });
    t.same(view.source('file', 'day.csv'), lone);
    t.equal(view.symbolId('EURUSD'), 1);
    t.equal(view.symbolCount, 2);
  }
  t.ok(afresh.usage.bytes < 500);
});

t.test('a folder that such streams have filled takes new ones again', async (t) => {
  const entries: Buffer[] = [];
  let length = 0;
  for (let i = 1; ; i++) {
    const json = Buffer.from(JSON.stringify({ t: 'source', id: 1, ...stream(i) } satisfies SourceEntry));
    const entry = Buffer.alloc(4 + Math.ceil(json.length / 4) * 4);
    entry.writeUInt32LE(json.length, 0);
    json.copy(entry, 4);
    if (length + entry.length > REGISTRY_BYTES) break;
    entries.push(entry);
    length += entry.length;
  }
  const registry = new Registry(Registry.allocate(REGISTRY_BYTES), 16);
  registry.load(Buffer.concat(entries));
  t.ok(REGISTRY_BYTES - registry.length < 100, 'it is full');
  t.equal(registry.defineSource(stream(0)).id, 1);
  t.equal(registry.defineSymbol({ name: 'EURUSD', digits: 5 }), 1);
  t.ok(registry.length < 500);
});

t.test('raw names without end: the oldest are forgotten, and there is room for all else', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  const symbol = registry.defineSymbol({ name: 'EURUSD', digits: 5 });
  for (let i = 0; i < 5_000; i++) registry.defineAlias(1, `${i}`.padStart(128, 'x'), symbol);
  const raws = registry.aliases.map(({ raw }) => Number(raw.replaceAll('x', '')));
  t.ok(raws.length > 10 && raws.length * 128 < KB / 2, `${raws.length} are left`);
  t.same(
    raws,
    raws.map((_, i) => 5_000 - raws.length + i),
    'the newest',
  );
  t.equal(registry.defineSource(stream(1)).id, 1);
  t.equal(registry.defineSymbol({ name: 'GBPUSD', digits: 5 }), 2);
  t.same(new Registry(registry.memory, 16).aliases, registry.aliases);
});

t.test('an alias that goes to another symbol replaces the first', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  for (const symbol of [1, 2, 1]) registry.defineAlias(1, 'EURUSD.m', symbol);
  t.same(registry.aliases, [{ t: 'alias', source: 1, raw: 'EURUSD.m', symbol: 1 }]);
});

t.test('what is too long is refused, and says so', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  const bad: [string, () => unknown][] = [
    ['raw name', () => registry.defineAlias(1, 'x'.repeat(129), 1)],
    ['name of source', () => registry.defineSource({ feed: 'f', name: 'x'.repeat(257) })],
    ['stream id', () => registry.defineSource({ feed: 'f', name: 'n', stream: 'x'.repeat(257) })],
    [
      'details',
      () => registry.defineSource({ feed: 'f', name: 'n', info: { server: '\u0001'.repeat(171) } }),
    ],
  ];
  for (const [what, define] of bad) {
    t.throws(define, { code: 'bad_input', message: /at most \d+ are taken.* Shorten (it|them)/ }, what);
  }
  t.equal(registry.length, 0);
});

t.test('source names without end: who was opened longest ago and is not open gives up its id', async (t) => {
  const registry = new Registry(Registry.allocate(REGISTRY_BYTES), 16);
  const open = (name: string, isOpen = (_: number) => false) =>
    registry.defineSource({ feed: 'mt5', name }, registry.idToReuse('mt5', isOpen)).id;
  for (let i = 1; i <= FEED_SOURCES_KEPT; i++) t.equal(open(`n${i}`), i);
  t.equal(registry.defineSource({ feed: 'file', name: 'n1' }).id, FEED_SOURCES_KEPT + 1, 'of this feed only');
  open('n1');
  t.equal(
    open('fresh', (id) => id === 2),
    3,
    'n1 was opened again, n2 is open',
  );
  t.equal(registry.source('mt5', 'n3'), undefined);
  t.match(registry.source('mt5', 'fresh'), { id: 3 });
  for (let i = 0; i < 10_000; i++) open(`more${i}`);
  t.equal(registry.sources.length, FEED_SOURCES_KEPT + 2);
  t.ok(registry.usage.bytes < 200 * FEED_SOURCES_KEPT);
  const kept = registry.sources.filter((s) => s?.feed === 'mt5' && s.name.startsWith('more'));
  t.equal(kept.length, FEED_SOURCES_KEPT);
});

t.test('who copies it: after a compaction all, and then what was added', async (t) => {
  const registry = new Registry(Registry.allocate(KB), 16);
  registry.defineSource(stream(1));
  let copy = Buffer.alloc(0);
  let position = registry.positionOf(copy);
  let wholes = 0;
  for (let i = 2; i < 3_000; i++) {
    registry.defineSource(stream(i));
    if (i % 7 !== 0) continue;
    t.notOk(registry.isAt(position));
    const { bytes, from, end } = registry.after(position);
    if (from === 0) wholes++;
    copy = Buffer.concat([copy.subarray(0, from), bytes]);
    position = end;
    t.ok(registry.isAt(position));
    t.same(registry.positionOf(copy), position);
    t.match(Registry.from(copy).sources[1], stream(i));
  }
  t.ok(wholes >= 3 && wholes < 100, `${wholes} times`);
  t.same(registry.positionOf(Buffer.from('something else')), { generation: -1, length: 0 });
});

t.test('a thread that dies while it compacts changes nothing', async (t) => {
  for (let n = 1, died = true; died; n++) {
    let registry = new Registry(Registry.allocate(2_048), 16, 3);
    const symbol = registry.defineSymbol({ name: 'EURUSD', digits: 5 });
    const faults = new Faults(n);
    let i = 0;
    const define = () => {
      for (; i < 100; i++) registry.defineSource(stream(i));
    };
    while (!faults.run(define)) {
      registry.releaseIfHeldBy(3);
      registry = new Registry(registry.memory, 16, 3);
    }
    const view = new Registry(registry.memory, 16);
    if (!t.match(view.source('mt5', 'terminal'), stream(99), `death at probe ${n}`)) break;
    t.equal(view.symbolId('EURUSD'), symbol);
    died = faults.deaths > 0;
  }
});

t.test('threads that compact under each other lose nothing', async (t) => {
  const memory = Registry.allocate(KB);
  const module = new URL('./threads/registry.js', import.meta.url).href;
  const owners = [1, 2, 3];
  await Promise.all(
    owners.map((owner) => onThread(module, 'supersede', { memory, owner, streams: 4_000, symbols: 50 })),
  );
  const registry = new Registry(memory, 256);
  t.equal(registry.symbolCount, 1 + owners.length * 50);
  for (const owner of owners) t.match(registry.source(`f${owner}`, 'n'), { stream: 's3999' });
  t.equal(new Set(registry.symbols.map((s) => s?.id)).size, registry.symbolCount);
});

t.test('the operator is warned once of each bound, at 80 %', async (t) => {
  const watch = new RegistryWatch();
  const usage = {
    bytes: 0,
    bytesMax: 1000,
    symbols: 0,
    symbolsMax: 100,
    sources: 0,
    sourcesMax: SOURCES_MAX,
  };
  t.same(watch.look({ ...usage, symbols: 79, bytes: 799 }), []);
  const [first, ...more] = watch.look({ ...usage, symbols: 80 });
  t.equal(
    first,
    '80 of at most 100 symbols are defined (80 %). Raise maxSymbols before new ones are refused.',
  );
  t.same(more, []);
  t.same(watch.look({ ...usage, symbols: 99 }), [], 'once');
  t.match(watch.look({ ...usage, symbols: 99, bytes: 800 }), [/800 of at most 1000 bytes/], 'each apart');
  t.same(watch.look({ ...usage, symbols: 75 }), []);
  t.same(watch.look({ ...usage, symbols: 81 }), [], 'not for every up and down');
  watch.look({ ...usage, symbols: 10 });
  t.equal(watch.look({ ...usage, symbols: 81 }).length, 1, 'and again after it has sunk');
});
