/** Checks the tokens of REST requests, which are the same as those of the stream. */
import { type Auth, bearerToken, type Verdict } from '../access/auth.js';
import { addressOf } from '../access/client-address.js';
import { type Answer, problem } from '../contract/answers.js';
import type { HttpRequest, HttpResponse } from '../contract/uws.js';

const REALM = 'Bearer realm="tickwire"';

/** Whom a request is counted under, or the answer to a request without a valid token. */
export type Entry = { client: string } | { refused: Answer };

export function entryOf(
  context: { readonly auth: Auth | undefined; readonly proxies: ReadonlySet<string> },
  res: HttpResponse,
  req: HttpRequest,
): Entry | Promise<Entry> {
  const { auth } = context;
  const address = addressOf(context, res, req);
  if (auth === undefined) return { client: address };
  const token = bearerToken(req.getHeader('authorization'));
  if (token === undefined) {
    const headers = { 'www-authenticate': REALM };
    return { refused: problem(401, 'unauthorised', 'Send the token as Authorization: Bearer.', headers) };
  }
  const verdict = auth.check(token, address);
  return verdict instanceof Promise ? verdict.then(answerTo) : answerTo(verdict);
}

function answerTo(verdict: Verdict): Entry {
  // The blank keeps keys and addresses apart: no address has a blank.
  if ('account' in verdict) return { client: `key ${verdict.account.name}` };
  return { refused: refusalOf(verdict) };
}

function refusalOf(verdict: Extract<Verdict, { refused: unknown }>): Answer {
  const retry = { 'retry-after': String(Math.ceil(verdict.retryMs / 1000)) };
  switch (verdict.refused) {
    case 'wrong': {
      const headers = { 'www-authenticate': `${REALM}, error="invalid_token"` };
      return problem(401, 'unauthorised', 'The token is wrong.', headers);
    }
    case 'too_many':
      return problem(429, 'unauthorised', 'Too many wrong tokens came from this address.', retry);
    case 'failed':
      return problem(503, 'unauthorised', 'The token could not be checked; ask again.', retry);
  }
}
