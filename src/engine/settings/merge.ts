/** Settings of one source over those of another. */

/** The second value overrides the first. Objects are merged setting by setting; everything else is replaced. */
export function merge(below: object, above: object): object {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const under = result[key];
    result[key] = isPlain(under) && isPlain(value) ? merge(under, value) : value;
  }
  return result;
}

/** An object that holds one value, at a path. */
export function atPath(path: readonly string[], value: unknown): object {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
