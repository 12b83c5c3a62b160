/**
 * Names and patterns as clients write them: `*` stands for any run of characters. A name may hold such a star itself,
 * so a backslash before a star, a comma or a backslash takes its meaning away; any other backslash is itself.
 */

const ESCAPED = /\\([*,\\])/g;

/** What is between the stars of a pattern. One part: it is a name. */
export function parsePattern(text: string): string[] {
  return splitAt(text, '*').map((part) => part.replace(ESCAPED, '$1'));
}

export function isPattern(text: string): boolean {
  return text.includes('*') && splitAt(text, '*').length > 1;
}

/** Names and patterns that are between commas, each still as its client wrote it. */
export function splitList(text: string): string[] {
  return splitAt(text, ',');
}

function splitAt(text: string, mark: string): string[] {
  if (!text.includes('\\')) return text.split(mark);
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === mark) {
      parts.push(text.slice(from, i));
      from = i + 1;
    } else if (text[i] === '\\' && '*,\\'.includes(text[i + 1] ?? ' ')) i++;
  }
  parts.push(text.slice(from));
  return parts;
}

/** Whether `name` matches a pattern that was parsed. Linear in both. */
export function matchesPattern(parts: readonly string[], name: string): boolean {
  const first = parts[0];
  const last = parts[parts.length - 1];
  if (parts.length === 1) return name === first;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = name.indexOf(parts[i], at);
    if (found < 0 || found + parts[i].length > end) return false;
    at = found + parts[i].length;
  }
  return true;
}
