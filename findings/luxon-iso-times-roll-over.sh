#!/usr/bin/env bash
# luxon: DateTime.fromISO checks the day of the month, but takes hour 24 and offsets beyond a day for valid, and moves
# the moment to another day. "isValid" is therefore not enough to refuse a mistyped time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent luxon@3.7.2
cat > check.mjs <<'JS'
import { DateTime, VERSION } from 'luxon';
console.log(`luxon ${VERSION}`);
const cases = [
  ['2024-02-30T10:00Z', null],
  ['2024-06-19T25:00Z', null],
  ['2024-06-19T24:00Z', '2024-06-20T00:00:00.000Z'],
  ['2024-06-19T08:00+25:00', '2024-06-18T07:00:00.000Z'],
  ['2024-06-19T08:00+02:99', '2024-06-19T04:21:00.000Z'],
];
let changed = 0;
for (const [text, observed] of cases) {
  const time = DateTime.fromISO(text, { zone: 'utc' });
  const found = time.isValid ? time.toISO() : null;
  console.log(`${text}: expected refused, observed ${found ?? 'refused'}`);
  if (found !== observed) changed++;
}
process.exit(changed === 0 ? 0 : 1);
JS
node check.mjs
