/**
 * The layout: which folder may import which, that nothing imports in a circle, and that a folder stays small enough
 * to be read. Folders stand in the order of the data; an import never runs back, and stages do not see each other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

// Compiled, this file lies one folder deeper than the sources.
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const SRC = join(ROOT, 'src');
const FILES_MAX = 25;

const MEMORY = ['core', 'pipeline/memory'];
const PIPELINE = [...MEMORY, 'pipeline/shard'];
const CONNECTOR = [...MEMORY, 'feeds/connector'];
const FEEDS = [...CONNECTOR, 'feeds/mql', 'feeds/file', 'feeds/synthetic', 'feeds/capture', 'feeds/mt5'];
const LOG_FILES = ['log/format', 'log/lmdb', 'log/storage'];
const LOG_READ = [...LOG_FILES, 'log/index', 'log/read'];
const LOG = [...LOG_READ, 'log/maintain', 'log/repair', 'log/write'];
const FANOUT = ['fanout/contract', 'fanout/access', 'fanout/batch', 'fanout/reader', 'fanout/session'];
const SETTINGS = [...PIPELINE, ...FEEDS, 'feeds', ...LOG, 'wire', ...FANOUT, 'import'];
const ENGINE = [...SETTINGS, 'fanout', 'engine/settings', 'engine'];
const COMMANDS = [...ENGINE, 'client', 'replay', 'export', 'cli/support'];
const HARNESS = [...ENGINE, 'client', 'replay', 'bench/harness'];
const FANOUT_LOAD = [...HARNESS, 'bench/peers', 'bench/load', 'bench/fanout'];

/**
 * What each folder of src may import besides itself. A folder comes behind all that it may import, so the table has no
 * circle. `.` is the library.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  wire: ['core'],
  client: ['core', 'wire'],
  web: ['core', 'wire', 'client'],

  'pipeline/memory': ['core'],
  'pipeline/shard/wasm': MEMORY,
  'pipeline/shard': MEMORY,

  'feeds/connector': MEMORY,
  'feeds/mql': ['core'],
  'feeds/file': [...CONNECTOR, 'feeds/mql'],
  'feeds/synthetic/wasm': ['core'],
  'feeds/synthetic': CONNECTOR,
  'feeds/capture': CONNECTOR,
  'feeds/mt5': [...CONNECTOR, 'feeds/mql', 'feeds/capture'],
  feeds: FEEDS,

  'log/format/wasm': ['core'],
  'log/format': ['core'],
  'log/lmdb': ['core'],
  'log/storage': [...MEMORY, 'log/format', 'log/lmdb'],
  'log/index': [...MEMORY, ...LOG_FILES],
  'log/read': [...MEMORY, ...LOG_FILES, 'log/index'],
  'log/maintain': [...MEMORY, ...LOG_FILES, 'log/index'],
  'log/repair': [...MEMORY, ...LOG_FILES, 'log/index'],
  'log/write': [...MEMORY, ...LOG_READ, 'log/maintain', 'log/repair'],

  'fanout/contract': [...MEMORY, 'wire'],
  'fanout/access': [...MEMORY, 'wire', 'fanout/contract'],
  'fanout/batch': [...MEMORY, 'wire', 'fanout/contract', 'fanout/access'],
  'fanout/reader': [...MEMORY, 'wire', 'fanout/contract', 'fanout/access', 'fanout/batch'],
  'fanout/session': [...MEMORY, 'wire', 'fanout/contract', 'fanout/access', 'fanout/batch', 'fanout/reader'],
  'fanout/websocket': [...MEMORY, 'wire', ...FANOUT],
  'fanout/rest': [...MEMORY, 'wire', ...FANOUT],
  fanout: [...MEMORY, 'wire', ...FANOUT, 'fanout/websocket', 'fanout/rest'],

  import: [...PIPELINE, ...FEEDS, ...LOG],
  'engine/settings': SETTINGS,
  engine: [...SETTINGS, 'fanout', 'engine/settings'],
  // Of the engine it knows the folder that a captured run is kept in, and nothing else.
  replay: [...PIPELINE, ...FEEDS, 'feeds', ...LOG_READ, 'wire', ...FANOUT, 'engine/capture-run.ts'],
  export: [...MEMORY, ...FEEDS, ...LOG_READ, 'wire', 'replay'],
  '.': [...ENGINE, 'client', 'replay', 'export'],

  'cli/support': [...ENGINE, 'client', 'replay', 'export'],
  'cli/log': COMMANDS,
  'cli/simulate': COMMANDS,
  'cli/replay': COMMANDS,

  'bench/harness': [...ENGINE, 'client', 'replay'],
  'bench/report': HARNESS,
  'bench/micro': HARNESS,
  'bench/log': HARNESS,
  'bench/peers': HARNESS,
  'bench/load': [...HARNESS, 'bench/peers'],
  'bench/fanout': [...HARNESS, 'bench/peers', 'bench/load'],
  'bench/pipeline': FANOUT_LOAD,
  'bench/e2e': FANOUT_LOAD,
  bench: [...FANOUT_LOAD, 'bench/report', 'bench/micro', 'bench/log', 'bench/pipeline', 'bench/e2e'],

  cli: [...COMMANDS, 'cli/log', 'cli/simulate', 'cli/replay', 'bench'],
};

/** Imports that close a circle of files, because two types of one idea need each other. */
const IN_A_CIRCLE: { from: string; to: string; why: string }[] = [
  {
    from: 'feeds/mt5/sources.ts',
    to: 'feeds/mt5/connection.ts',
    why: 'a terminal has the connection in force, and a connection the terminal that sends over it',
  },
];

interface Import {
  from: string;
  to: string;
  /** Whether it is the URL of a thread's or process's first module. */
  isUrl: boolean;
}

type Graph = Map<string, Set<string>>;

/** The files below a folder by their paths in it; the packages of the benchmarks' peers are not ours. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules'));
}

const SOURCES = new Set(filesIn(SRC).filter((file) => file.endsWith('.ts')));
const IMPORTS = [...SOURCES].flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = readFileSync(join(SRC, from), 'utf8');
  const found = (pattern: RegExp, isUrl: boolean) =>
    [...text.matchAll(pattern)].map(([, path]) => ({
      from,
      to: `${join(dirname(from), path).replace(/\.js$/, '')}.ts`,
      isUrl,
    }));
  return [
    ...found(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g, false),
    ...found(/new URL\('(\.[^']+\.js)'/g, true),
  ];
}

function graphOf(edges: Iterable<readonly [string, string]>): Graph {
  const graph: Graph = new Map();
  for (const [from, to] of edges) {
    if (!graph.has(to)) graph.set(to, new Set());
    if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  }
  return graph;
}

/** What is left of a graph without all that leads out of no circle: the circles, and what lies between them. */
function circlesOf(graph: Graph): string[] {
  const left = new Map([...graph].map(([from, targets]) => [from, new Set(targets)]));
  const isOpen = (node: string) =>
    left.get(node)!.size === 0 || ![...left.values()].some((targets) => targets.has(node));
  for (let node = [...left.keys()].find(isOpen); node !== undefined; node = [...left.keys()].find(isOpen)) {
    left.delete(node);
    for (const targets of left.values()) targets.delete(node);
  }
  return [...left].flatMap(([from, targets]) => [...targets].map((to) => `${from} → ${to}`));
}

for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
  t.test(`${folder} imports what it may, and nothing else`, async (t) => {
    const wrong = IMPORTS.filter(({ from, to }) => {
      const target = dirname(to);
      return (
        dirname(from) === folder && target !== folder && !allowed.includes(target) && !allowed.includes(to)
      );
    });
    t.same(
      wrong.map(({ from, to }) => `${from} → ${to}`),
      [],
    );
  });
}

t.test('every folder has a rule, and every rule a folder', async (t) => {
  t.same(Object.keys(MAY_IMPORT).sort(), [...new Set([...SOURCES].map((file) => dirname(file)))].sort());
});

t.test('a folder comes behind all that it may import', async (t) => {
  const order = Object.keys(MAY_IMPORT);
  for (const [at, folder] of order.entries()) {
    const before = order.slice(0, at);
    const targets = MAY_IMPORT[folder].map((target) => (target.endsWith('.ts') ? dirname(target) : target));
    t.same(
      targets.filter((target) => !before.includes(target)),
      [],
      folder,
    );
  }
});

t.test('every import leads to a file of ours', async (t) => {
  t.ok(IMPORTS.length > 1_000, 'imports were found');
  t.same(
    IMPORTS.filter(({ to }) => !SOURCES.has(to)).map(({ from, to }) => `${from} → ${to}`),
    [],
  );
});

t.test('no folders import in a circle', async (t) => {
  t.same(circlesOf(graphOf(IMPORTS.map(({ from, to }) => [dirname(from), dirname(to)] as const))), []);
});

t.test('no files import in a circle but those that are listed', async (t) => {
  const imports = IMPORTS.filter(({ isUrl }) => !isUrl);
  const without = (listed: typeof IN_A_CIRCLE) =>
    imports.filter(({ from, to }) => !listed.some((edge) => edge.from === from && edge.to === to));
  const circles = (edges: readonly Import[]) =>
    circlesOf(graphOf(edges.map(({ from, to }) => [from, to] as const)));
  t.same(circles(without(IN_A_CIRCLE)), []);
  for (const edge of IN_A_CIRCLE) {
    const others = IN_A_CIRCLE.filter((other) => other !== edge);
    t.ok(circles(without(others)).includes(`${edge.from} → ${edge.to}`), `${edge.from} is still in a circle`);
  }
});

t.test(`no folder has more than ${FILES_MAX} files`, async (t) => {
  for (const root of ['src', 'test']) {
    const counts = new Map<string, number>();
    for (const file of filesIn(join(ROOT, root))) {
      // It only tells editors that a folder is AssemblyScript.
      if (file.endsWith('tsconfig.json')) continue;
      const folder = join(root, dirname(file));
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    t.same(
      [...counts].filter(([, count]) => count > FILES_MAX),
      [],
      root,
    );
  }
});
