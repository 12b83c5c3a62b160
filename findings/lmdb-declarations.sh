#!/usr/bin/env bash
# lmdb 3.5.6 ships index.d.ts for `import` with `export = lmdb` at its end, although its package.json has type: module. In a
# declaration file of an ES module that is an error (TS1203) under every moduleResolution of today. `skipLibCheck: true`
# hides it, so that a library which names lmdb's types in its own declarations breaks its users who check theirs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact \
  lmdb@3.5.6 typescript@5.9.3 @types/node@20.19.43 > /dev/null
cat > look.ts <<'TS'
import { open } from 'lmdb';

export const database = open({ path: 'data' });
TS
echo 'lmdb 3.5.6, TypeScript 5.9.3: a program of one import and one call'
echo 'expected: no error, with skipLibCheck true or false'
observed=0
for resolution in node16:node16 nodenext:nodenext bundler:esnext; do
  for skip in true false; do
    said=$(node_modules/.bin/tsc --noEmit --strict --target es2023 --types node --skipLibCheck "$skip" \
      --moduleResolution "${resolution%:*}" --module "${resolution#*:}" look.ts || true)
    errors=$(grep -c 'lmdb/index.d.ts.*TS1203' <<< "$said" || true)
    echo "observed: ${resolution%:*}, skipLibCheck $skip: $errors errors TS1203 in lmdb/index.d.ts"
    if [ "$skip" = false ]; then observed=$((observed + errors)); else test -z "$said"; fi
  done
done
test "$observed" = 3
