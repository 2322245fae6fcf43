/** For tests, loaded before the server: a disk that syncs nothing any more from when the file that FAILING_DISK names is there. */
import fs from 'node:fs';

const { fdatasync, fdatasyncSync } = fs;
const isFailing = () => fs.existsSync(process.env.FAILING_DISK ?? '');
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
