/** Parses the query of a request and the media types that it accepts. */
import { problem, Refusal } from './answers.js';

export function badRequest(detail: string): Refusal {
  return new Refusal(problem(400, 'bad_request', detail));
}

/**
 * The parameters of a query, each at most once. A plus sign stays a plus sign, as in the zone of a time.
 * @throws Refusal for a parameter that is unknown or given twice
 * @throws URIError for bad percent-encoding
 */
export function parseQuery(raw: string, known: readonly string[]): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of raw.split('&')) {
    if (pair === '') continue;
    const at = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = decodeURIComponent(pair.slice(0, at));
    if (!known.includes(name))
      throw badRequest(
        known.length === 0
          ? `There are no parameters here; leave ${JSON.stringify(name)} out.`
          : `There is no parameter ${JSON.stringify(name)} here, only ${known.join(', ')}.`,
      );
    if (query.has(name)) throw badRequest(`The parameter ${name} is given twice; give it once.`);
    query.set(name, decodeURIComponent(pair.slice(at + 1)));
  }
  return query;
}

/**
 * The offered media type that an `Accept` header prefers; the first of equally preferred ones; null when it accepts none.
 * Without the header, the first offered type.
 */
export function acceptedType(accept: string, offered: readonly string[]): string | null {
  if (accept.trim() === '') return offered[0];
  const ranges = accept.split(',').map(parseRange);
  let best: string | null = null;
  let bestQuality = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality <= bestQuality) continue;
    best = type;
    bestQuality = quality;
  }
  return best;
}

interface MediaRange {
  type: string;
  quality: number;
}

function parseRange(text: string): MediaRange {
  const [type, ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The quality of the most specific range that covers a type; 0 where none does. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  for (const covering of [type, `${type.split('/')[0]}/*`, '*/*']) {
    const range = ranges.find((r) => r.type === covering);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
