/** Which address a connection counts for. */
import { isIP } from 'node:net';

const GROUPS = 8;
/** Groups of an IPv6 address that a network gives to one customer; the others are the customer's to choose. */
const NETWORK_GROUPS = 4;
const MAPPED_GROUP = 0xffff;

/** An IPv4 address as it is (also where it is mapped into IPv6), an IPv6 address as its /64, anything else as it is. */
export function addressKey(text: string): string {
  if (isIP(text) !== 6) return text;
  const groups = groupsOf(text);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === MAPPED_GROUP;
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.');
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(text: string): number[] {
  const [head, tail] = text.split('%')[0].split('::').map(wordsOf);
  if (tail === undefined) return head;
  return [...head, ...new Array<number>(GROUPS - head.length - tail.length).fill(0), ...tail];
}

function wordsOf(text: string): number[] {
  return text
    .split(':')
    .filter((word) => word !== '')
    .flatMap((word) => {
      if (!word.includes('.')) return [Number.parseInt(word, 16)];
      const [a, b, c, d] = word.split('.').map(Number);
      return [a * 256 + b, c * 256 + d];
    });
}
