/** REST behind the same tokens as the stream. */
import { bearerToken, type Verdict } from './auth.js';
import { type Answer, problem } from './http.js';
import { addressOf, type UpgradeContext } from './upgrade.js';
import type { HttpRequest, HttpResponse } from './uws.js';

const REALM = 'Bearer realm="tickwire"';

/** What a request is answered without a good token, where one is wanted; null where it may go on. */
export function tokenRefusal(
  context: UpgradeContext,
  res: HttpResponse,
  req: HttpRequest,
): Answer | null | Promise<Answer | null> {
  const { auth } = context;
  if (auth === undefined) return null;
  const token = bearerToken(req.getHeader('authorization'));
  if (token === undefined) {
    const headers = { 'www-authenticate': REALM };
    return problem(401, 'unauthorised', 'Send the token as Authorization: Bearer.', headers);
  }
  const verdict = auth.check(token, addressOf(context, res, req));
  return verdict instanceof Promise ? verdict.then(answerTo) : answerTo(verdict);
}

function answerTo(verdict: Verdict): Answer | null {
  if ('account' in verdict) return null;
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
