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
 * The platform's WebSocket, or `ws` where there is none (Node 20). `ws` has a `browser` condition that is an
 * empty shell, so bundles for browsers do not carry it.
 */
export async function platformSocket(): Promise<SocketConstructor> {
  const own = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (typeof own === 'function') return own as SocketConstructor;
  const { default: NodeWebSocket } = await import('ws');
  return class extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      // Ticks are dense already; deflating them costs both sides far more than it saves.
      super(url, protocols, { perMessageDeflate: false });
    }
  } as unknown as SocketConstructor;
}
