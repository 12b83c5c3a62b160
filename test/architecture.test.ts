/**
 * The import rule: stages share `tick`, `limits`, `errors`, `address`, `lobby`, `clock`, `decimal`, `time`, `wasm` and the pipeline's memory, and know nothing of
 * each other; only the files at the top compose them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

// Compiled, this file lies one folder deeper than the sources.
const SRC = resolve(dirname(fileURLToPath(import.meta.url)), '../../src');
/** Which folders of src each folder may import from, besides itself. */
const ALLOWED: Record<string, string[]> = {
  pipeline: [],
  feeds: ['pipeline'],
  log: ['pipeline'],
  wire: [],
  fanout: ['pipeline', 'wire'],
  client: ['wire'],
  import: ['pipeline', 'feeds', 'log'],
  replay: ['pipeline', 'feeds', 'log', 'wire', 'fanout', 'capture'],
  export: ['pipeline', 'feeds', 'log', 'wire', 'replay'],
};
/** Files at the top of src that every stage may use. */
const COMMON = ['tick', 'limits', 'errors', 'address', 'lobby', 'clock', 'decimal', 'time', 'wasm'];

interface Import {
  from: string;
  to: string;
}

function importsOf(folder: string): Import[] {
  return readdirSync(join(SRC, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .flatMap((entry) => {
      const file = join(entry.parentPath, entry.name);
      const text = readFileSync(file, 'utf8');
      const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]);
      return specifiers.map((specifier) => ({
        from: relative(SRC, file),
        to: relative(SRC, resolve(dirname(file), specifier)).replace(/\.js$/, ''),
      }));
    });
}

for (const [folder, allowed] of Object.entries(ALLOWED)) {
  t.test(`${folder} imports from ${['itself', ...allowed].join(', ')} only`, async (t) => {
    const imports = importsOf(folder);
    const forbidden = imports.filter(({ to }) => {
      const target = to.split('/')[0];
      return target !== folder && !allowed.includes(target) && !COMMON.includes(to);
    });
    t.ok(imports.length > 0, 'imports were found');
    t.same(forbidden, [], 'no import runs back or across');
  });
}

t.test('the common files import nothing but each other', async (t) => {
  for (const name of COMMON) {
    const text = readFileSync(join(SRC, `${name}.ts`), 'utf8');
    const targets = [...text.matchAll(/from '\.\/([^']+)\.js'/g)].map((match) => match[1]);
    t.same(
      targets.filter((target) => !COMMON.includes(target)),
      [],
      `${name}.ts`,
    );
  }
});
