import type { ClientMessage, RequestId, ServerMessage, WireError } from '../wire/ticks.js';

type WithoutId<M> = M extends { id: RequestId } ? Omit<M, 'id'> : never;
/** A request before it has its number. */
export type Request = WithoutId<ClientMessage>;
export type RequestOf<Op extends ClientMessage['op']> = Extract<Request, { op: Op }>;

/** The answer to each request that has one besides an error. */
interface AnswerOps {
  subscribe: 'subscribed';
  unsubscribe: 'unsubscribed';
  pause: 'paused';
  resume: 'resumed';
  seek: 'sought';
  history: 'history';
  auth: 'authorised';
  ping: 'pong';
}
export type AnswerOf<Op extends ClientMessage['op']> = Extract<ServerMessage, { op: AnswerOps[Op] }>;

const ANSWER_OPS: AnswerOps = {
  subscribe: 'subscribed',
  unsubscribe: 'unsubscribed',
  pause: 'paused',
  resume: 'resumed',
  seek: 'sought',
  history: 'history',
  auth: 'authorised',
  ping: 'pong',
};

/** What becomes of a request; exactly one of these is called, and synchronously with the message. */
export interface RequestHandlers<A> {
  onAnswer(answer: A): void;
  onError(error: WireError): void;
  /** The connection went before an answer came. */
  onLost?(): void;
}

/** Requests under way, by their ids. Ids are never used again, so a late answer meets nobody. */
export class PendingRequests {
  readonly #open = new Map<RequestId, { answer: string; handlers: RequestHandlers<never> }>();
  #nextId = 1;

  /** Registers a request; returns its id. */
  add<Op extends ClientMessage['op']>(op: Op, handlers: RequestHandlers<AnswerOf<Op>>): number {
    const id = this.#nextId++;
    this.#open.set(id, { answer: ANSWER_OPS[op], handlers });
    return id;
  }

  /** Hands an answer or an error to its request. False if it belongs to none. */
  settle(message: ServerMessage): boolean {
    const id = 'id' in message ? message.id : null;
    if (id === null) return false;
    const call = this.#open.get(id);
    if (call === undefined || (message.op !== 'error' && message.op !== call.answer)) return false;
    this.#open.delete(id);
    if (message.op === 'error') call.handlers.onError(message);
    else call.handlers.onAnswer(message as never);
    return true;
  }

  /** The connection is gone, and all answers with it. */
  lose(): void {
    const lost = [...this.#open.values()];
    this.#open.clear();
    for (const { handlers } of lost) handlers.onLost?.();
  }
}
