/** Zone rules: which text is a rule, and what the clock shows through both changes of a year. */
import t from 'tap';
import { parseZone, ServerClock } from '../../../src/feeds/mql/server-clock.js';
import { seeded } from '../mt5/harness.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SUMMER = Date.UTC(2024, 6, 1);
const WINTER = Date.UTC(2024, 0, 10);

t.test('rules and their offsets', async (t) => {
  const rules: [string, number, number][] = [
    ['UTC', 0, 0],
    ['GMT', 0, 0],
    ['UTC+3', 3, 3],
    ['GMT-5', -5, -5],
    ['+02:00', 2, 2],
    ['-0330', -3.5, -3.5],
    ['UTC+5:45', 5.75, 5.75],
    ['Europe/Athens', 2, 3],
    ['America/New_York', -5, -4],
    ['America/New_York+7h', 2, 3],
    ['America/New_York+7', 2, 3],
    ['Europe/London-1:30h', -1.5, -0.5],
    ['America/Port-au-Prince+6h', 1, 2],
    ['Etc/GMT+3', -3, -3],
    ['EET', 2, 3],
  ];
  for (const [text, winter, summer] of rules) {
    const rule = parseZone(text);
    t.strictSame([rule.offsetAt(WINTER) / HOUR, rule.offsetAt(SUMMER) / HOUR], [winter, summer], text);
  }
  for (const text of [
    '',
    'Mars/Base',
    '+25',
    'UTC+3:99',
    'UTC+3:07',
    '3',
    'America/New_York+7d',
    'New York',
    '+',
  ]) {
    t.throws(() => parseZone(text), { code: 'bad_input', message: /not known/ }, JSON.stringify(text));
  }
});

t.test('through spring and autumn, wall times come back as they went', async (t) => {
  const random = seeded(9);
  // US clocks change at 07:00 UTC in spring and at 06:00 UTC in autumn, European ones at 01:00 UTC.
  const edges: [string, number][] = [
    ['America/New_York+7h', Date.UTC(2024, 2, 10, 7)],
    ['America/New_York+7h', Date.UTC(2024, 10, 3, 6)],
    ['Europe/Athens', Date.UTC(2024, 2, 31, 1)],
    ['Europe/Athens', Date.UTC(2024, 9, 27, 1)],
    ['Australia/Lord_Howe', Date.UTC(2024, 3, 6, 15)],
  ];
  for (const [zone, edge] of edges) {
    const terminal = new ServerClock(zone);
    const port = new ServerClock(zone);
    let utc = edge - 5 * HOUR;
    let wrong = 0;
    for (let i = 0; i < 20_000; i++) {
      utc += Math.floor(random() * 4_000);
      const wall = terminal.toWall(utc);
      if (port.toUtc(wall) !== utc || port.toWall(utc) !== wall) wrong++;
    }
    t.ok(utc > edge + 5 * HOUR, 'the edge was passed');
    t.equal(wrong, 0, `${zone} around ${new Date(edge).toISOString()}`);
  }
});

t.test('the repeated hour of autumn', async (t) => {
  const first = Date.UTC(2024, 10, 3, 5);
  const wall = new ServerClock('America/New_York+7h').toWall(first);
  const fresh = (): ServerClock => new ServerClock('America/New_York+7h');
  t.equal(fresh().toWall(first + HOUR), wall, 'the wall shows one hour twice');
  t.equal(fresh().toUtc(wall), first, 'with nothing before it, the first pass is meant');

  const disorderly = fresh();
  disorderly.toUtc(wall + 10 * MINUTE);
  t.equal(
    disorderly.toUtc(wall + 9.5 * MINUTE),
    first + 9.5 * MINUTE,
    'a slightly late tick stays in its pass',
  );
  t.equal(disorderly.toUtc(wall + 59 * MINUTE), first + 59 * MINUTE);
  t.equal(disorderly.toUtc(wall), first + HOUR, 'the clock was put back: second pass');
  t.equal(disorderly.toUtc(wall + MINUTE), first + HOUR + MINUTE, 'and it stays there');
  t.equal(disorderly.toUtc(wall + HOUR), first + 2 * HOUR, 'the hour after is plain again');

  const misled = fresh();
  misled.toUtc(wall + 20 * 24 * HOUR);
  t.equal(misled.toUtc(wall), first, 'a time far ahead does not choose the pass');
  misled.toUtc(wall + 59 * MINUTE);
  t.equal(misled.toUtc(wall), first + HOUR, 'and is forgotten with the next one');
});

t.test('in the repeated hour, a time beyond its receipt does not choose the pass', async (t) => {
  const first = Date.UTC(2024, 10, 3, 5);
  const wall = new ServerClock('America/New_York+7h').toWall(first);
  const misled = new ServerClock('America/New_York+7h');
  for (let minute = 0; minute < 60; minute++) {
    const at = minute * MINUTE;
    if (minute % 20 === 10) misled.toUtc(wall + at + 2 * HOUR, first + at + 50);
    t.equal(misled.toUtc(wall + at, first + at + 50), first + at, `minute ${minute}`);
  }
  for (let minute = 0; minute < 60; minute++) {
    const at = minute * MINUTE;
    t.equal(misled.toUtc(wall + at, first + HOUR + at + 50), first + HOUR + at, `minute ${minute} again`);
  }

  const fast = new ServerClock('America/New_York+7h');
  for (let minute = 0; minute < 120; minute++) {
    const utc = first + minute * MINUTE;
    t.equal(fast.toUtc(fast.toWall(utc), utc - 5_000), utc, `a clock that is 5 s fast, minute ${minute}`);
  }
});

t.test('the missing hour of spring is read as if the clock had not been put forward', async (t) => {
  const clock = new ServerClock('America/New_York+7h');
  const edge = Date.UTC(2024, 2, 10, 7);
  t.equal(clock.toUtc(edge + 2 * HOUR + 30 * MINUTE), edge + 30 * MINUTE);
});
