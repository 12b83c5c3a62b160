/** What the client needs of a WebSocket; browsers' own and the `ws` package's both have it. */
export interface SocketLike {
  binaryType: string;
  readonly protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Drops the connection without a closing handshake; `ws` has it, browsers do not. */
  terminate?(): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/**
 * `ws` on Node, the platform's WebSocket elsewhere. The one that Node 22 brings along cannot be terminated: with a
 * peer that has stopped answering, its connection would stay for minutes, and the process with it. `ws` has a
 * `browser` condition that is an empty shell, so bundles for browsers do not carry it.
 */
export async function platformSocket(): Promise<SocketConstructor> {
  const { process, WebSocket: own } = globalThis as {
    process?: { versions?: { node?: string } };
    WebSocket?: SocketConstructor;
  };
  if (own !== undefined && process?.versions?.node === undefined) return own;
  const { default: NodeWebSocket } = await import('ws');
  // A bundle for browsers that runs on Node all the same has the shell.
  if (own !== undefined && typeof NodeWebSocket.prototype?.terminate !== 'function') return own;
  return class extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      // Ticks are dense already; deflating them costs both sides far more than it saves.
      super(url, protocols, { perMessageDeflate: false });
    }
  } as unknown as SocketConstructor;
}
