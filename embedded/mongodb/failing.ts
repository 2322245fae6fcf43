/**
 * For tests, loaded before the server: a disk that syncs nothing any more from when the file that FAILING_DISK names is there. With
 * KILLED_AT it goes on to sync, and the process is killed when it asks for the so manieth.
 */
import fs from 'node:fs';

const { fdatasync, fdatasyncSync } = fs;
const killedAt = Number(process.env.KILLED_AT || 0);
let asked = 0;

function isFailing(): boolean {
  if (!fs.existsSync(process.env.FAILING_DISK ?? '')) return false;
  if (killedAt > 0 && ++asked >= killedAt) process.kill(process.pid, 'SIGKILL');
  return killedAt === 0;
}

const failure = () => Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' });

Object.assign(fs, {
  fdatasync(file: number, done: (error: Error | null) => void) {
    if (isFailing()) process.nextTick(done, failure());
    else fdatasync(file, done);
  },
  fdatasyncSync(file: number) {
    if (isFailing()) throw failure();
    fdatasyncSync(file);
  },
});
