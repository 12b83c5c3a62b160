/** A file that appears whole or not at all: written under a temporary name, then renamed. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, rmSync, type WriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';
import { removedAtExit } from './temporaries.js';

export class FileOutput {
  #failure: unknown;
  readonly #forget: () => void;

  private constructor(
    readonly path: string,
    readonly temporary: string,
    readonly stream: WriteStream,
  ) {
    this.#forget = removedAtExit(() => rmSync(this.temporary, { force: true }));
    stream.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** @throws TickwireError bad_input when nothing can be written there */
  static async create(path: string): Promise<FileOutput> {
    const temporary = `${path}.${randomUUID()}.part`;
    const stream = createWriteStream(temporary, { flags: 'wx' });
    try {
      await once(stream, 'open');
    } catch (error) {
      const why = codeOf(error) === 'ENOENT' ? `there is no folder ${dirname(path)}` : messageOf(error);
      throw new TickwireError('bad_input', `${path} cannot be written: ${why}.`);
    }
    return new FileOutput(path, temporary, stream);
  }

  /**
   * Makes the file durable and gives it its name.
   * @throws TickwireError bad_input when something could not be written; nothing is left behind then
   */
  async keep(): Promise<void> {
    try {
      this.stream.end();
      await finished(this.stream);
      const file = await open(this.temporary, 'r+');
      await file.sync().finally(() => file.close());
      await rename(this.temporary, this.path);
      this.#forget();
    } catch (error) {
      await this.drop();
      const why = messageOf(this.#failure ?? error);
      throw new TickwireError('bad_input', `${this.path} could not be written: ${why}.`);
    }
  }

  /** Leaves nothing behind. */
  async drop(): Promise<void> {
    this.stream.destroy();
    await rm(this.temporary, { force: true });
    this.#forget();
  }
}
