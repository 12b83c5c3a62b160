#!/usr/bin/env bash
# A Parquet file without rows, written by hyparquet-writer, is refused by readers built on arrow-rs: the list of row groups
# is empty, and its Thrift header names element type 0 in place of 12 (struct). DuckDB and hyparquet read the file. With
# that one byte set, arrow-rs reads it too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --save-exact hyparquet-writer@0.17.0 parquet-wasm@0.8.0 \
  @duckdb/node-api@1.5.6-r.1 > /dev/null
cat > look.js <<'JS'
import { writeFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { readParquet } from 'parquet-wasm/node';

const write = (data) => new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'price', data, type: 'DOUBLE' }] }));
const read = (bytes) => {
  try {
    return `${readParquet(bytes).recordBatches().reduce((rows, batch) => rows + batch.numRows, 0)} rows`;
  } catch (error) {
    return `refused: ${error.message ?? error}`;
  }
};
console.log('hyparquet-writer 0.17.0, parquet-wasm 0.8.0 (arrow-rs), DuckDB 1.5.6');
const empty = write([]);
writeFileSync('empty.parquet', empty);
const connection = await (await DuckDBInstance.create()).connect();
const [{ rows }] = (await connection.runAndReadAll("select count(*) as rows from 'empty.parquet'")).getRowObjectsJson();
// The field of the rows (i64 0), then that of the row groups: a list of 0 elements.
const at = Buffer.from(empty).indexOf(Uint8Array.of(0x16, 0, 0x19, 0));
const mended = Uint8Array.from(empty);
mended[at + 3] = 12;
const seen = { oneRow: read(write([1.5])), noRows: read(empty), mended: read(mended) };
console.log('A good guess: 0 rows in every reader.');
console.log(`Observed: DuckDB ${rows} rows; arrow-rs ${seen.noRows}; with the type set ${seen.mended}; with a row ${seen.oneRow}`);
const isAsFound =
  String(rows) === '0' && seen.oneRow === '1 rows' && seen.noRows.startsWith('refused') && seen.mended === '0 rows';
console.log(isAsFound ? 'As found: arrow-rs refuses the file without rows.' : 'The behaviour has changed.');
process.exitCode = isAsFound ? 0 : 1;
JS
node look.js
