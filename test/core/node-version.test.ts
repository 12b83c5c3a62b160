/** The versions of Node that are refused are those that `engines` in package.json leaves out. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { nodeFault } from '../../src/core/node-version.js';

const VERSIONS = {
  runs: ['20.19.0', '20.20.2', '22.12.0', '22.23.3', '24.0.0', '24.21.0', '26.1.0'],
  refused: ['16.20.2', '18.20.8', '20.15.0', '20.18.3', '21.7.3', '22.11.0', '23.11.0'],
};

/** Whether a version is in a range of the form `^1.2.3 || >=4.5.6`. */
function isIn(range: string, version: string): boolean {
  const numbers = version.split('.').map(Number);
  return range.split(' || ').some((part) => {
    const [, sign, ...from] = /^(\^|>=)(\d+)\.(\d+)\.(\d+)$/.exec(part)!;
    const isLine = sign === '>=' || numbers[0] === Number(from[0]);
    const difference = numbers.map((n, i) => n - Number(from[i])).find((n) => n !== 0) ?? 0;
    return isLine && difference >= 0;
  });
}

t.test('each version', async (t) => {
  const { engines } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  for (const version of VERSIONS.runs) {
    t.equal(nodeFault(version), undefined, version);
    t.ok(isIn(engines.node, version), `engines: ${version}`);
  }
  for (const version of VERSIONS.refused) {
    t.match(nodeFault(version), `tickwire does not run on Node ${version}: use Node 24, `);
    t.notOk(isIn(engines.node, version), `engines: ${version}`);
  }
});
