/** How tickwire speaks to its clients, in packed frames. */
import { packControl, unpackMessage } from '../../wire/msgpack.js';
import type { Mode, ServerMessage } from '../../wire/ticks.js';
import { clientFrame, type Dialect, type DialectEvents, type DialectOptions } from '../harness/dialect.js';
import { FanoutReader } from './reader.js';

const OPCODE_BINARY = 2;
const OPCODE_PONG = 10;

export interface TickwireOptions extends DialectOptions {
  mode: Mode;
  intervalMs: number;
  /** By client: the names and patterns that it subscribes to. */
  watched: string[][];
}

export function tickwireDialect(options: TickwireOptions, events: DialectEvents): Dialect {
  const { clients, symbols, mode, intervalMs, watched, latency } = options;
  const reader = new FanoutReader(clients, symbols, mode === 'every', latency, {
    control: (client, bytes) => control(client, unpackMessage(bytes) as ServerMessage),
    ping: (client, bytes) => events.reply(client, clientFrame(OPCODE_PONG, bytes)),
    close: (client) => events.failed(client, 'the server closed the connection'),
  });

  function control(client: number, message: ServerMessage): void {
    if (message.op === 'subscribed') {
      for (const { symbolId, digits } of message.symbols) reader.check.digits[symbolId] = digits;
      events.subscribed(client);
      if (message.unknown.length > 0) events.fault(client, 'a symbol is not known');
    } else if (message.op === 'catching_up') {
      events.caughtUpFromLog();
    } else if (message.op === 'error') {
      events.fault(client, message.message);
    }
  }

  return {
    path: '/v1/stream',
    subprotocol: 'ticks.packed.v1',
    reader,
    upgraded(client) {
      const interval = mode === 'latest' ? { intervalMs } : {};
      const request = { op: 'subscribe', id: 1, symbols: watched[client], mode, ...interval };
      events.send(client, clientFrame(OPCODE_BINARY, packControl(request)));
    },
  };
}
