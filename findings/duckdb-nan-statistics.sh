#!/usr/bin/env bash
# Parquet's statistics leave NaN out. DuckDB filters row groups by them all the same, although NaN is above every number
# for it: "x > 100" misses rows with NaN, and "x < 100" returns them, unlike the same filters on a table of the same rows.
# A column that writes null for "unknown" has no such rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --save-exact @duckdb/node-api@1.5.6-r.1 hyparquet-writer@0.17.0 > /dev/null
cat > look.js <<'JS'
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetWriteFile } from 'hyparquet-writer';

parquetWriteFile({
  filename: 'prices.parquet',
  columnData: [
    { name: 'id', data: [1, 2, 3, 4], type: 'INT32' },
    { name: 'x', data: [Number.NaN, 1, 50, Number.NaN], type: 'DOUBLE' },
  ],
});
const connection = await (await DuckDBInstance.create()).connect();
const ask = async (query) => (await connection.runAndReadAll(query)).getRowObjectsJson()[0];
await connection.run("create table prices as select * from 'prices.parquet'");
const ids = async (from, filter) =>
  JSON.stringify((await ask(`select coalesce(list(id order by id), []) as ids from ${from} where ${filter}`)).ids);
console.log('DuckDB', (await ask('select version() as v')).v, 'and hyparquet-writer 0.17.0; x is NaN, 1, 50, NaN');
const { low, high } = await ask(
  `select stats_min_value as low, stats_max_value as high from parquet_metadata('prices.parquet') where path_in_schema = 'x'`,
);
console.log(`Statistics in the file: ${low} to ${high}.`);
let isAsFound = Number(low) === 1 && Number(high) === 50;
for (const [filter, table, file] of [
  ['x < 100', '[2,3]', '[1,2,3,4]'],
  ['x > 100', '[1,4]', '[]'],
]) {
  const [ofTable, ofFile] = [await ids('prices', filter), await ids("'prices.parquet'", filter)];
  console.log(`${filter}: a good guess is ${ofTable}, as of the table; observed of the file: ${ofFile}`);
  isAsFound &&= ofTable === table && ofFile === file;
}
console.log(isAsFound ? 'As found: filters of the file go by statistics without NaN.' : 'The behaviour has changed.');
process.exitCode = isAsFound ? 0 : 1;
JS
node look.js
