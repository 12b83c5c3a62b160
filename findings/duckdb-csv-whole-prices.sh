#!/usr/bin/env bash
# DuckDB guesses a CSV column's type from its first 20,480 rows. A price column that is whole so far becomes BIGINT, and a
# later 70000.5 is read as 70001, without an error. With "70000.00" in the file the column is DOUBLE, and nothing is rounded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --save-exact @duckdb/node-api@1.5.6-r.1 > /dev/null
cat > look.js <<'JS'
import { writeFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const ROWS = 30_000;
const file = (name, whole, half) =>
  writeFileSync(name, `price\n${`${whole}\n`.repeat(ROWS)}${half}\n`);
file('short.csv', '70000', '70000.5');
file('digits.csv', '70000.00', '70000.50');

const connection = await (await DuckDBInstance.create()).connect();
const ask = async (query) => (await connection.runAndReadAll(query)).getRowObjectsJson()[0];
const look = (name) =>
  ask(`select typeof(any_value(price)) as type, max(price) as highest, count(*) as rows from '${name}'`);
console.log('DuckDB', (await ask('select version() as v')).v);
const [short, digits] = [await look('short.csv'), await look('digits.csv')];
console.log('A good guess: DOUBLE and 70000.5, or an error at the row that is no integer.');
console.log('Observed with 70000:   ', JSON.stringify(short));
console.log('Observed with 70000.00:', JSON.stringify(digits));
const isAsFound =
  short.type === 'BIGINT' && String(short.highest) === '70001' && digits.type === 'DOUBLE' && digits.highest === 70000.5;
console.log(isAsFound ? 'As found: the price was rounded in silence.' : 'The behaviour has changed.');
process.exitCode = isAsFound ? 0 : 1;
JS
node look.js
