import type { Caller } from '../contract/answers.js';

/** A request, read in full while it was there. */
export interface RestRequest extends Caller {
  path: string;
  /** The decoded part of the path that the route leaves open; empty where there is none. */
  parameter: string;
  /** As it was sent, without the question mark. */
  query: string;
  accept: string;
  /** Whether nobody waits for the answer any more. */
  isAborted: boolean;
}
