import { CommitCells } from '../../../../src/pipeline/memory/commit-cells.js';

/** Commits `commits` times; all words hold the same count. */
export function commitMany(data: {
  memory: SharedArrayBuffer;
  words: number;
  commits: number;
  from: number;
}): void {
  const cells = new CommitCells(data.memory, data.words);
  for (let c = 1; c <= data.commits; c++) {
    const next = cells.prime();
    // The last word first and one by one, so that a reader of an unfinished copy would see the difference.
    for (let w = data.words - 1; w >= 0; w--) next[w] = data.from + c;
    cells.commit();
  }
}
