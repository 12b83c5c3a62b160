import { packControl, unpackMessage } from '../wire/msgpack.js';
import { PackedReader, type PackedTick } from '../wire/packed.js';
import type { ClientMessage, Encoding, ServerMessage } from '../wire/ticks.js';
import { checked } from './messages.js';
import { PlainReader } from './plain-reader.js';

/** Walks the ticks of one message: batches, and in each its records. */
export interface TickReader {
  /** Filled again for every record. */
  readonly tick: PackedTick;
  readonly sub: number;
  readonly shard: number;
  readonly epoch: number;
  readonly snapshot: boolean;
  /** The name of the record's symbol where the encoding sends names instead of ids. */
  readonly symbol?: string;
  nextBatch(): boolean;
  nextRecord(): boolean;
  /** The batch's cursor: text, or bytes that are valid until the next message. */
  cursor(): string | Uint8Array;
}

/** One of the three encodings, as the client uses it. */
export interface Codec {
  readonly reader: TickReader;
  encode(message: ClientMessage): string | Uint8Array;
  /**
   * Returns a control message, or undefined after setting `reader` on a message of ticks.
   * @throws Error if the data is neither
   */
  decode(data: unknown): ServerMessage | undefined;
}

/** @param digits by wire id, kept up to date by the client as symbols are announced */
export function createCodec(encoding: Encoding, digits: Uint8Array): Codec {
  return encoding === 'packed' ? packedCodec(digits) : plainCodec(encoding === 'json');
}

function packedCodec(digits: Uint8Array): Codec {
  const reader = new PackedReader(digits);
  return {
    reader,
    encode: packControl,
    decode(data) {
      const bytes = new Uint8Array(data as ArrayBuffer);
      if (!PackedReader.isFrame(bytes)) return checked(unpackMessage(bytes)) as ServerMessage;
      reader.reset(bytes);
      return undefined;
    },
  };
}

function plainCodec(isJson: boolean): Codec {
  const reader = new PlainReader();
  return {
    reader,
    encode: isJson ? JSON.stringify : packControl,
    decode(data) {
      const message = checked(
        isJson ? JSON.parse(data as string) : unpackMessage(new Uint8Array(data as ArrayBuffer)),
      );
      if (message.op !== 'ticks') return message;
      reader.reset(message);
      return undefined;
    },
  };
}
