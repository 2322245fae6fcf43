import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kill, temporaryDir } from './harness.ts';
import { LockedError, lockDataDir } from './lock.ts';

/** A process that locks the folder and then waits. */
async function holder(dir: string, platform: string) {
  const source = `import { lockDataDir } from './embedded/lock.ts';
    await lockDataDir(${JSON.stringify(dir)}, ${JSON.stringify(platform)});
    setInterval(() => {}, 1000);
    console.log('locked');`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

const platforms = process.platform === 'linux' ? (['linux', 'darwin'] as const) : (['darwin'] as const);

describe.each(platforms)('the lock of a data folder, as on %s', platform => {
  test('refuses a second start, and names the folder', async () => {
    const dir = join(await temporaryDir(), 'data');
    const lock = await lockDataDir(dir, platform);
    const refused = lockDataDir(dir, platform);
    await expect(refused).rejects.toBeInstanceOf(LockedError);
    await expect(refused).rejects.toThrow(new RegExp(`^The data folder ${dir} is in use .* DATA_DIR`));
    await lock.release();
    await lock.release();
    const again = await lockDataDir(dir, platform);
    await again.release();
  });

  test('says of what is no folder, or cannot be one, what it is and what to do', async () => {
    const file = join(await temporaryDir(), 'file');
    await writeFile(file, '');
    const refused: [string, string][] = [
      [file, 'EEXIST'],
      [join(file, 'x'), 'ENOTDIR'],
    ];
    // Where no folder can be made, and none that is asked for is there.
    if (process.platform === 'linux') refused.push(['/proc/tributary/data', 'ENOENT']);
    for (const [dir, code] of refused) {
      await expect(lockDataDir(dir, platform)).rejects.toThrow(
        new RegExp(`^The data folder ${dir} cannot be used: ${code}: .* Set DATA_DIR to a folder`),
      );
    }
  });

  test('is of the folder, not of its name', async () => {
    const dir = await temporaryDir();
    await mkdir(join(dir, 'a'));
    await symlink(join(dir, 'a'), join(dir, 'b'));
    const a = await lockDataDir(join(dir, 'a'), platform);
    await expect(lockDataDir(join(dir, 'b'), platform)).rejects.toBeInstanceOf(LockedError);
    const other = await lockDataDir(join(dir, 'c'), platform);
    await Promise.all([a.release(), other.release()]);
  });

  test('is free at once after kill -9 of its holder', async () => {
    const dir = await temporaryDir();
    const child = await holder(dir, platform);
    await expect(lockDataDir(dir, platform)).rejects.toBeInstanceOf(LockedError);
    kill(child.pid);
    await once(child, 'exit');
    // Several at once: one gets it.
    const starts = await Promise.allSettled([1, 2, 3].map(() => lockDataDir(dir, platform)));
    const won = starts.flatMap(start => (start.status === 'fulfilled' ? [start.value] : []));
    expect(won).toHaveLength(1);
    await won[0]?.release();
  });
});
