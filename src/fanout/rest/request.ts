import type { Caller } from '../contract/answers.js';

/** A copy of a request: a request of uWebSockets is valid only in its handler. */
export interface RestRequest extends Caller {
  path: string;
  /** The decoded path parameter of the route; empty where there is none. */
  parameter: string;
  /** The query as it was sent, without the question mark. */
  query: string;
  accept: string;
  /** Whether the client no longer waits for the answer. */
  isAborted: boolean;
}
