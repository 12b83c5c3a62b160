import { readFile } from 'node:fs/promises';
import t from 'tap';

const BUNDLE = new URL('../../src/web/public/page.js', import.meta.url);

t.test('the page is one file that asks for nothing else and carries no Node code', async (t) => {
  const text = await readFile(BUNDLE, 'utf8');
  t.notMatch(text, /from\s*["']node:|require\(["'](node:|net|http)/);
  t.notMatch(text, 'permessage-deflate', 'ws is left out');
  t.notMatch(text, /https?:\/\/(?!www\.w3\.org)/, 'no address of another host');
  t.ok(text.length < 100_000, `${text.length} bytes`);
});
