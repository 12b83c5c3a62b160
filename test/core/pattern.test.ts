/** Names and patterns: a star means any run of characters, unless a backslash takes its meaning away. */
import fc from 'fast-check';
import t from 'tap';
import { escapeSymbol } from '../../src/client/index.js';
import { isPattern, matchesPattern, parsePattern, splitList } from '../../src/core/pattern.js';
import { ODD_NAMES } from '../helpers/odd-names.js';

t.test('what a pattern matches', async (t) => {
  const cases: [string, string[], string[]][] = [
    ['EUR*', ['EURUSD', 'EUR', 'EUR*'], ['XEUR', 'EU']],
    ['*', ['', 'anything', '*'], []],
    ['A*B*C', ['ABC', 'AxBxC'], ['ACB', 'AB']],
    ['A\\*B', ['A*B'], ['AxB', 'A\\*B', 'AB']],
    ['A\\*B*', ['A*B', 'A*Bx'], ['AxB']],
    ['A\\B', ['A\\B'], ['AB']],
    ['A\\\\*', ['A\\', 'A\\B'], ['A*', 'AB']],
    ['A\\', ['A\\'], ['A']],
    ['A\\,B', ['A,B'], ['A\\,B']],
  ];
  for (const [pattern, yes, no] of cases) {
    const parts = parsePattern(pattern);
    for (const name of yes) t.ok(matchesPattern(parts, name), `${pattern} is ${name}`);
    for (const name of no) t.notOk(matchesPattern(parts, name), `${pattern} is not ${name}`);
  }
  t.same(['A\\*B', 'A\\\\*', 'A*', '\\**'].map(isPattern), [false, true, true, true]);
});

t.test('a name that is escaped is that name, in a list too', async () => {
  const name = fc.oneof(fc.constantFrom(...ODD_NAMES), fc.string({ unit: fc.constantFrom(...'*,\\aé') }));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1 }), (names) => {
      const parts = splitList(names.map(escapeSymbol).join(','));
      const read = parts.map(parsePattern);
      return read.length === names.length && read.every((p, i) => p.length === 1 && p[0] === names[i]);
    }),
  );
});
