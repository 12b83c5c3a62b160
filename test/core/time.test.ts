/** Times of clients are read to the nanosecond, and text that is no time is refused, not read as a time in 1970. */
import t from 'tap';
import { parseTime } from '../../src/core/time-text.js';

t.test('reads ISO 8601 and UNIX nanoseconds', async (t) => {
  const at = { seconds: 1_718_784_000, nanos: 0 };
  t.same(parseTime('2024-06-19T08:00:00Z'), at);
  t.same(parseTime('2024-06-19T08:00:00'), at, 'no zone: UTC');
  t.same(parseTime('2024-06-19T10:00+02:00'), at);
  t.same(parseTime('20240619T080000Z'), at);
  t.same(parseTime('1718784000000000000'), at);
  t.same(parseTime(1_718_784_000_000_000_000n), at);
  t.same(parseTime('2024-06-19T08:00:00.123456789Z'), { ...at, nanos: 123_456_789 });
  t.same(parseTime('2024-06-19T08:00:00,5Z'), { ...at, nanos: 500_000_000 });
  t.same(parseTime('1718784000123456789'), { ...at, nanos: 123_456_789 });
  t.same(parseTime('2024-06-19'), { seconds: 1_718_755_200, nanos: 0 });
  t.same(parseTime('0'), { seconds: 0, nanos: 0 });
  t.same(parseTime(0), { seconds: 0, nanos: 0 });
});

t.test('refuses what is no time', async (t) => {
  for (const text of [
    '',
    'now',
    '2024-13-01',
    '1969-12-31T23:59:59Z',
    '9999-01-01',
    '-1',
    '1.5',
    '2024-06-19T25:00Z',
  ])
    t.equal(parseTime(text), null, text);
  t.equal(parseTime('1718784000'), null, 'seconds');
  t.equal(parseTime('1718784000000'), null, 'milliseconds');
  t.equal(parseTime('9999999999999999999'), null, 'beyond what a record holds');
});

t.test(
  'refuses days and hours that no calendar has, instead of taking them over into the next',
  async (t) => {
    for (const text of [
      '2024-02-30',
      '2023-02-29T00:00Z',
      '2024-04-31T12:00:00Z',
      '2024-00-10',
      '2024-06-00',
      '2023-366',
      '2024-W53',
      '2024-06-19T24:00:00Z',
      '2024-06-19T24',
      '20240619T240000Z',
      '24:00',
      '2024-06-19T08:60Z',
      '2024-06-19T08:00:60Z',
      '2024-06-19T08:00+24:00',
      '2024-06-19T08:00-25',
      '2024-06-19T08:00+02:60',
    ])
      t.equal(parseTime(text), null, text);
    t.same(parseTime('2024-02-29T23:59:59Z'), { seconds: 1_709_251_199, nanos: 0 });
    t.same(parseTime('2024-06-24T23:24:24+14:00'), { seconds: 1_719_221_064, nanos: 0 });
  },
);
