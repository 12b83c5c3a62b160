/** A disk of a few MiB: a tmpfs, which only root may mount. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const MEBIBYTE = 1024 * 1024;

export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** A text when it cannot be mounted here: why. */
  static mount(mebibytes: number): SmallDisk | string {
    const folder = mkdtempSync(path.join(tmpdir(), 'tickwire-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tickwire', folder], {
      encoding: 'utf8',
    });
    if (mounted.status === 0) return new SmallDisk(folder);
    rmSync(folder, { recursive: true });
    return `a tmpfs cannot be mounted here: ${mounted.stderr ?? mounted.error?.message}`;
  }

  /** Takes up all that is free but so many bytes, or gives back what was taken. */
  leave(bytes: number): void {
    const ballast = path.join(this.folder, 'ballast');
    rmSync(ballast, { force: true });
    writeFileSync(ballast, new Uint8Array(Math.max(0, this.free - bytes)));
  }

  release(): void {
    rmSync(path.join(this.folder, 'ballast'), { force: true });
  }

  get free(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
