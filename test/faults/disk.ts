/** Small disks, as file systems in memory that can be filled up. */
import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PIECE = 4_096;

/** What a row needs cannot be had on this machine. */
export class NotPossible extends Error {
  override name = 'NotPossible';
}

export type Disk = {
  /** Until nothing more can be written. */
  fill(): void;
  free(): void;
  remove(): Promise<void>;
};

/**
 * Mounts a disk on a folder.
 *
 * @throws NotPossible where this process may not mount.
 */
export async function mountDisk(folder: string, megabytes: number): Promise<Disk> {
  mkdirSync(folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).catch(error => {
    throw new NotPossible(`no file system can be mounted here: ${String(error.message).split('\n').at(1) ?? error}`);
  });
  const unmount = () => {
    execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
  };
  process.once('exit', unmount);
  const filler = join(folder, 'filler');
  return {
    fill() {
      try {
        // Somebody else writes at the same time, so what is left is found out by trying.
        for (;;) appendFileSync(filler, Buffer.alloc(PIECE));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    free: () => rmSync(filler, { force: true }),
    async remove() {
      process.removeListener('exit', unmount);
      unmount();
    },
  };
}
