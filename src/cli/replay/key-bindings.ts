/** What the keys do to a replay, and the line of the terminal that shows where it is. */

import { NO_TIME_S } from '../../core/tick.js';
import type { Time } from '../../core/time.js';
import { parseTime } from '../../core/time-text.js';
import type { ReplayControl } from '../../replay/control.js';
import type { Speed } from '../../wire/ticks.js';

/** What the arrows move by, in seconds. */
const STEP_S = 10;
const LEAP_S = 300;
const FASTER = 2;
const SPEED_MIN = 1 / 64;
const SPEED_MAX = 65_536;
const ENTER = /[\r\n]/;
const ERASE = /[\u007f\b]/;
const ESCAPE = '\u001b';

export const KEYS_HELP =
  'keys: space pauses · ← → 10 s · ↓ ↑ 5 min · g goes to a time · + - speed · m full speed · q ends';

export class ReplayKeys {
  /** What was typed so far of a time to go to; undefined: none is being typed. */
  typed: string | undefined;
  /** What was wrong with the last one. */
  complaint = '';
  #speedBefore: Speed = 1;

  /** @param quit called for `q` */
  constructor(
    readonly control: ReplayControl,
    readonly quit: () => void,
  ) {}

  /** Takes one key. */
  press(key: string): void {
    const { control } = this;
    if (this.typed !== undefined) this.#type(key);
    else if (key === ' ') control.isPaused = !control.isPaused;
    else if (key === 'right') this.#move(STEP_S);
    else if (key === 'left') this.#move(-STEP_S);
    else if (key === 'up') this.#move(LEAP_S);
    else if (key === 'down') this.#move(-LEAP_S);
    else if (key === '+' || key === '=') this.#scale(FASTER);
    else if (key === '-') this.#scale(1 / FASTER);
    else if (key === 'm') this.#toggleMax();
    else if (key === 'g') this.typed = '';
    else if (key === 'q') this.quit();
    this.complaint = this.typed === undefined && key !== '\r' ? '' : this.complaint;
  }

  #move(seconds: number): void {
    const { position } = this.control;
    if (position === null) return;
    const to = Math.min(NO_TIME_S - 1, Math.max(0, position.seconds + seconds));
    this.control.seek({ seconds: to, nanos: position.nanos });
  }

  #scale(factor: number): void {
    const { speed } = this.control;
    const before = speed === 'max' ? this.#speedBefore : speed;
    if (before === 'max') return;
    this.control.speed = Math.min(SPEED_MAX, Math.max(SPEED_MIN, speed === 'max' ? before : before * factor));
  }

  #toggleMax(): void {
    const { speed } = this.control;
    this.control.speed = speed === 'max' ? this.#speedBefore : 'max';
    this.#speedBefore = speed === 'max' ? this.#speedBefore : speed;
  }

  #type(key: string): void {
    if (ENTER.test(key)) this.#goTo(this.typed ?? '');
    else if (key === ESCAPE) this.typed = undefined;
    else if (ERASE.test(key)) this.typed = this.typed?.slice(0, -1);
    else if (key.length === 1 && key >= ' ') this.typed += key;
  }

  #goTo(text: string): void {
    this.typed = undefined;
    if (text.trim() === '') return;
    const time = timeNear(text.trim(), this.control.position);
    this.complaint = time === null ? `"${text}" is no time; 08:30 and 2024-06-19T08:30:00Z are` : '';
    if (time !== null) this.control.seek(time);
  }
}

/** A time as one types it: in full, or of the day at hand (`08:30`, `8:30:05.5`). */
export function timeNear(text: string, position: Time | null): Time | null {
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?$/.exec(text);
  if (clock === null || position === null) return parseTime(text);
  const day = new Date(position.seconds * 1000).toISOString().slice(0, 10);
  return parseTime(`${day}T${clock[1].padStart(2, '0')}:${clock[2]}:${clock[3] ?? '00'}Z`);
}
