/** What a command has begun and not finished goes with the process, should that be ended before: see `stopSignal`. */
const removals = new Set<() => void>();

function removeAll(): void {
  for (const remove of removals) remove();
}

/** Notes how it is removed, at once and without waiting; the result forgets it again. */
export function removedAtExit(remove: () => void): () => void {
  if (removals.size === 0) process.once('exit', removeAll);
  removals.add(remove);
  return () => {
    removals.delete(remove);
    if (removals.size === 0) process.off('exit', removeAll);
  };
}
