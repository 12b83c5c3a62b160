#!/usr/bin/env bash
# lmdb 3.5.6 gives `getBinaryFast` and custom decoders a buffer that shows the value's `length`, but is larger.
# `value.subarray(8)` ends at that length up to Node 22, and from Node 24 on at the end of the larger buffer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --save-exact lmdb@3.5.6 node22@npm:node@22.23.3 node24@npm:node@24.21.0 > /dev/null
cat > value.mjs <<'JS'
import { open } from 'lmdb';
const db = open({ path: './db', encoding: 'binary' });
await db.put('key', Buffer.from('sixteen bytes !!'));
const value = db.getBinaryFast('key');
console.log(value.length, value.subarray(8).length, value.subarray(8, value.length).length);
await db.close();
JS
seen22=$(node_modules/node22/bin/node value.mjs)
rm -rf db
seen24=$(node_modules/node24/bin/node value.mjs)
echo "lmdb 3.5.6: lengths of a 16-byte value, of value.subarray(8), of value.subarray(8, value.length)"
echo "expected:      16 8 8"
echo "Node 22.23.3:  $seen22"
echo "Node 24.21.0:  $seen24"
[ "$seen22" = '16 8 8' ]
[ "${seen24%% *}" = 16 ] && [ "${seen24##* }" = 8 ] && [ "$seen24" != '16 8 8' ]
echo "Name the end: value.subarray(8, value.length)."
