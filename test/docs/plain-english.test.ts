/** The pages are in plain English: short sentences, no word of the old private vocabulary; and each path they name exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WORDS_MAX = 25;
const markdownIn = (folder: string) =>
  readdirSync(`${ROOT}${folder}`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'clients/python/README.md',
  'fixtures/ticks/README.md',
  'fixtures/wire/README.md',
  ...markdownIn('docs'),
  ...markdownIn('docs/decisions'),
];
/** Metaphors, and words for which the field has a term. */
const BANNED = [
  /\banew\b/i,
  /\bat hand\b/i,
  /\bstands? at\b/i,
  /\b(goes|go|going|went) on\b/i,
  /\bconvoys?\b/i,
  /\bstretch(es)?\b/i,
  /\bunfold\b/i,
  /\bfold(s|ed|ing)?\b/i,
  /\bis to be\b/i,
  /\bare to be\b/i,
  /\bwhoever\b/i,
  /\b(tells?|told)\b/i,
  /\bmend(s|ed|ing)?\b/i,
];

/** Sections whose tables are made from the help of the settings: their words are those of the source. */
const GENERATED = /\n## (Settings|Feeds)\n.*?(?=\n## )/gs;

/** The text of a page without code blocks and generated tables, line by line. */
function prose(page: string): string[] {
  let isCode = false;
  const text = readFileSync(`${ROOT}${page}`, 'utf8');
  return text
    .replace(GENERATED, (section) => section.replace(/^\|.*$/gm, ''))
    .split('\n')
    .map((line) => {
      const isFence = /^\s*```/.test(line);
      if (isFence) isCode = !isCode;
      return isCode || isFence ? '' : line;
    });
}

/** What a reader takes for one piece of text: a paragraph, an item of a list, a heading or a cell of a table. */
function piecesOf(page: string): string[] {
  const blocks = prose(page)
    .map((line) => (/^\s*([-*]|\d+\.) /.test(line) || line.startsWith('#') ? `\n${line}` : line))
    .join('\n')
    .split(/\n\s*\n|\n(?=\|)/);
  return blocks.flatMap((block) => (block.trimStart().startsWith('|') ? block.split(/(?<!\\)\|/) : [block]));
}

/** Sentences, in which a piece of code and a link count as a word each. A colon or semicolon ends one too. */
function sentencesOf(piece: string): string[] {
  return piece
    .replace(/``?[^`]+``?/g, 'code')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/[.?!:;][)"*]*(?=\s|$)/)
    .map((sentence) => sentence.replace(/\s+/g, ' ').trim());
}

for (const page of PAGES) {
  t.test(page, async (t) => {
    const pieces = piecesOf(page);
    t.ok(pieces.length > 0);
    const long = pieces
      .flatMap(sentencesOf)
      .filter((sentence) => sentence.split(' ').filter((word) => /\w/.test(word)).length > WORDS_MAX);
    t.same(long, [], `no sentence has more than ${WORDS_MAX} words`);
    const text = pieces.map((piece) => piece.replace(/``?[^`]+``?/g, 'code'));
    const found = text.filter((piece) => BANNED.some((phrase) => phrase.test(piece)));
    t.same(found, [], 'no metaphor, no word of the old vocabulary');
  });

  t.test(`${page}: paths`, async (t) => {
    const named = [
      ...prose(page)
        .join('\n')
        .matchAll(/`((?:src|test|docs|build|findings|examples|clients|fixtures)\/[^`\s]*)`/g),
    ];
    const missing = named
      .map(([, path]) => path)
      .filter((path) => !/[*{…<]/.test(path) && !existsSync(`${ROOT}${path}`));
    t.same(missing, [], 'each path exists');
  });
}
