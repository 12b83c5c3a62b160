/** A step of `npm run build`: the script and the style of reports, with the plot library, in one file each. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** This file runs from dist/src/bench/report; the style sheet lies in the sources. */
const COMPILED = new URL('./', import.meta.url);
const SOURCES = new URL('../../../../src/bench/report/', import.meta.url);

await build({
  entryPoints: {
    page: fileURLToPath(new URL('page.js', COMPILED)),
    style: fileURLToPath(new URL('style.css', SOURCES)),
  },
  outdir: fileURLToPath(new URL('public/', COMPILED)),
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'inline',
  logLevel: 'warning',
});
