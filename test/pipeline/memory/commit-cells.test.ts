/** Commit cells: all of a commit or nothing of it, and counts that never wrap. */
import t from 'tap';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';

t.test('what is prepared shows only with the commit, to every view', async (t) => {
  const memory = CommitCells.allocate(40);
  const owner = new CommitCells(memory, 40);
  const reader = new CommitCells(memory, 40);
  const next = owner.prime();
  next.fill(1);
  t.equal(reader.read(39), 0);
  t.same([...reader.readInto(new Float64Array(3), 37)], [0, 0, 0]);
  owner.commit();
  t.equal(reader.read(39), 1);
  t.same([...reader.readInto(new Float64Array(3), 37)], [1, 1, 1]);
  t.equal(owner.current[0], 1);
});

t.test('priming starts from what is in force, rolling back forgets the rest', async (t) => {
  const memory = CommitCells.allocate(2);
  const owner = new CommitCells(memory, 2);
  for (let i = 1; i <= 5; i++) {
    const next = owner.prime();
    t.equal(next[0], i - 1);
    next[0] = i;
    next[1] = -i;
    owner.commit();
  }
  owner.prime()[0] = 99;
  owner.rollback();
  t.equal(owner.current[0], 5);
  t.equal(owner.prime()[0], 5);
  const afresh = new CommitCells(memory, 2);
  afresh.prime()[0] = 77;
  t.equal(new CommitCells(memory, 2).read(0), 5, 'a second owner that dies before its commit did nothing');
});

t.test('counts beyond 2^31 and 2^32 stay exact', async (t) => {
  const cells = new CommitCells(CommitCells.allocate(1), 1);
  for (const from of [2 ** 31 - 3, 2 ** 32 - 3, 2 ** 53 - 8]) {
    cells.prime()[0] = from;
    cells.commit();
    for (let i = 1; i <= 6; i++) {
      cells.prime()[0]++;
      cells.commit();
      t.equal(cells.read(0), from + i);
    }
  }
});

t.test('the version itself wraps', async (t) => {
  for (const version of [0x7fffffff, -1, -2, 0x7ffffffe]) {
    const memory = CommitCells.allocate(1);
    new Int32Array(memory, 0, 1)[0] = version;
    const cells = new CommitCells(memory, 1);
    for (let i = 1; i <= 5; i++) {
      const next = cells.prime();
      t.equal(next[0], i - 1);
      next[0] = i;
      t.equal(cells.read(0), i - 1);
      cells.commit();
      t.equal(cells.read(0), i);
    }
  }
});
