/** What lmdb would not survive is found before it opens a file: what it takes for free, and for what kind of file. */
import { closeSync, cpSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { newestMeta, PAGE_HEADER_BYTES } from '../../../src/log/lmdb/lmdb-file.js';
import { damageOf } from '../../../src/log/lmdb/structure-check.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

const TICKS = 4_000;
const NODE_BYTES = 8;
const TXN_BYTES = 8;

/** A log of many transactions. */
async function makeLog(folder: string): Promise<void> {
  const rig = await openRig(folder, 4, { ringSlots: 8192 });
  const shard = new FakeShard(rig.memory, 0, new Market(4, 5), TICKS, true);
  const stage = rig.stage({ commitDelayMs: 1 });
  while (shard.head < TICKS) {
    await shard.publishAll(400);
    while (shard.visible < shard.head) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await drain(rig, stage);
  await rig.opened.close();
}

/** Changes the first list of free pages of an environment: the node, its key, and its value. */
function change(folder: string, body: (node: Buffer) => void): void {
  const fd = openSync(path.join(folder, 'data.mdb'), 'r+');
  const { free, pageBytes } = newestMeta(fd)!;
  const page = Buffer.alloc(pageBytes);
  readSync(fd, page, 0, pageBytes, free.root * pageBytes);
  body(page.subarray(PAGE_HEADER_BYTES + page.readUInt16LE(PAGE_HEADER_BYTES)));
  writeSync(fd, page, 0, pageBytes, free.root * pageBytes);
  closeSync(fd);
}

const VALUE_AT = NODE_BYTES + TXN_BYTES;
const damages: [string, (node: Buffer) => void][] = [
  ['beyond the last page', (node) => node.writeBigInt64LE(1n << 27n, VALUE_AT + 8)],
  [
    'beyond the last page',
    (node) => {
      // A number of pages, and no first page after it.
      node.writeBigInt64LE(1n, VALUE_AT);
      node.writeBigInt64LE(-1n, VALUE_AT + 8);
    },
  ],
  ['a list of its free pages is not valid', (node) => node.writeBigInt64LE(1n << 40n, VALUE_AT)],
  ['a list of its free pages is not valid', (node) => node.writeBigUInt64LE(1n << 27n, NODE_BYTES)],
  ['a list of its free pages is not valid', (node) => node.writeBigUInt64LE(0n, NODE_BYTES)],
  ['do not fill their part of the page', (node) => node.writeUInt32LE(node.readUInt32LE(0) - 8, 0)],
];

t.test('lists of free pages', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await makeLog(folder);
  const log = path.join(folder, 'log');
  t.equal(damageOf(log, true), undefined);
  for (const [what, body] of damages) {
    const copy = makeFolder();
    t.teardown(() => removeFolder(copy));
    cpSync(folder, copy, { recursive: true });
    change(path.join(copy, 'log'), body);
    t.match(damageOf(path.join(copy, 'log'), true), what);
    await t.rejects(openLog(copy, { shards: 1, warn: () => {} }), { code: 'log_corrupt' }, what);
  }
  t.test('a page that a tree has', async (t) => {
    const copy = makeFolder();
    t.teardown(() => removeFolder(copy));
    cpSync(folder, copy, { recursive: true });
    const fd = openSync(path.join(copy, 'log', 'data.mdb'), 'r');
    const { main } = newestMeta(fd)!;
    closeSync(fd);
    change(path.join(copy, 'log'), (node) => node.writeBigInt64LE(BigInt(main.root), VALUE_AT + 8));
    t.match(damageOf(path.join(copy, 'log'), true), `page ${main.root} is listed as free and is in a tree`);
    // Whoever only reads does not use them.
    t.equal(damageOf(path.join(copy, 'log'), false), undefined);
  });
});

t.test('a file that is said to be of another kind', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await makeLog(folder);
  const file = path.join(folder, 'log', 'data.mdb');
  // Flags of the free pages' tree in both metas: bit 13 is lmdb's for an encrypted file.
  for (const at of [53, 4096 + 53]) {
    const turn = () => {
      const fd = openSync(file, 'r+');
      const byte = Buffer.alloc(1);
      readSync(fd, byte, 0, 1, at);
      byte[0] ^= 32;
      writeSync(fd, byte, 0, 1, at);
      closeSync(fd);
    };
    turn();
    for (const forWriting of [true, false])
      t.match(damageOf(path.dirname(file), forWriting), 'first two pages');
    turn();
    t.equal(damageOf(path.dirname(file), true), undefined);
  }
});
