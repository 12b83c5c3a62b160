/** Numbers as people read them at a glance; every result keeps its width steady under tabular numerals. */

/** 1234567 → ['1.23', 'M']; three significant figures, plain below a thousand. */
export function scaled(value: number): [figure: string, unit: string] {
  if (value >= 999.5e6) return [threeFigures(value / 1e9), 'G'];
  if (value >= 999.5e3) return [threeFigures(value / 1e6), 'M'];
  if (value >= 999.5) return [threeFigures(value / 1e3), 'k'];
  return [value.toFixed(0), ''];
}

function threeFigures(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** A count with its unit of scale in one text. */
export function short(value: number): string {
  const [figure, unit] = scaled(value);
  return unit === '' ? figure : `${figure} ${unit}`;
}

/** Milliseconds as an age: tenths up to ten seconds, then seconds, minutes, hours, days. */
export function age(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_570_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 84_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** Microseconds as a delay. */
export function delay(us: number): string {
  if (us < 1000) return `${us} µs`;
  if (us < 9_950) return `${(us / 1000).toFixed(1)} ms`;
  if (us < 999_500) return `${Math.round(us / 1000)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

const GROUPED = new Intl.NumberFormat('en', { useGrouping: true, maximumFractionDigits: 0 });

/** 1234567 → 1,234,567. */
export function grouped(value: number): string {
  return GROUPED.format(value);
}
