/** Reads times as people and programs write them. Apart from `time.ts`, because Luxon is large and the log needs none of this. */
import { DateTime } from 'luxon';
import { NO_TIME_S } from './tick.js';
import type { Time } from './time.js';

const NANO_DIGITS = 9;
/** Fewer digits are seconds, milliseconds, microseconds or a year rather than nanoseconds: they would silently mean 1970. */
const NANOSECONDS = /^(?:0|\d{17,19})$/;
/** By how many digits a time of these years has in it. */
const UNITS: Record<number, string> = { 10: 'seconds', 13: 'milliseconds', 16: 'microseconds' };

/**
 * Reads ISO 8601 text (`2024-06-19T08:00:00.123456789Z`; without a zone: UTC), or UNIX nanoseconds as an
 * integer or decimal text. Null where it is neither, or before 1970.
 */
export function parseTime(from: string | number | bigint): Time | null {
  const text = String(from).trim();
  if (NANOSECONDS.test(text)) {
    const seconds = Number(text.slice(0, -NANO_DIGITS));
    return inRange({ seconds, nanos: Number(text.slice(-NANO_DIGITS)) });
  }
  if (/^\d*$/.test(text) || rollsOver(text)) return null;
  const time = DateTime.fromISO(text, { zone: 'utc' });
  if (!time.isValid) return null;
  // Luxon keeps milliseconds; the rest of the fraction is taken from the text.
  const fraction = /[.,](\d{1,9})/.exec(text)?.[1] ?? '';
  const seconds = Math.floor(time.toMillis() / 1000);
  return inRange({ seconds, nanos: Number(fraction.padEnd(NANO_DIGITS, '0')) });
}

/** Why a number is no time in nanoseconds; empty where it is one, and for other text. */
export function digitsHint(text: string): string {
  const digits = text.trim();
  if (!/^\d+$/.test(digits) || NANOSECONDS.test(digits)) return '';
  const unit = UNITS[digits.length];
  const what = unit === undefined ? '' : `, as ${unit} have`;
  return ` It has ${digits.length} digits${what}; UNIX nanoseconds have 17 to 19.`;
}

const HOURS = 24;
const MINUTES = 60;

/** An hour of 24, or an offset beyond a day: what reads ISO 8601 would take either over into another day. */
function rollsOver(text: string): boolean {
  const offset = /T.*[+-](\d\d):?(\d\d)?(?:\[.*)?$/i.exec(text);
  if (offset !== null && (Number(offset[1]) >= HOURS || Number(offset[2] ?? 0) >= MINUTES)) return true;
  return /^24:|T24/i.test(text);
}

function inRange(time: Time): Time | null {
  return time.seconds >= 0 && time.seconds < NO_TIME_S ? time : null;
}
