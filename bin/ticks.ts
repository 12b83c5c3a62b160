#!/usr/bin/env node
import { nodeFault } from '../src/core/node-version.js';

const fault = nodeFault(process.versions.node);
if (fault === undefined) {
  // Loaded only now: an old Node fails on the first module that needs a newer one.
  const { main } = await import('../src/cli/program.js');
  process.exitCode = await main(process.argv);
} else {
  process.stderr.write(`ticks: ${fault} [unsupported]\n`);
  process.exitCode = 1;
}
