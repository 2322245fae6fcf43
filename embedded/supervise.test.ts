import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { spawnServer } from './child.ts';
import { isRunning, kill, recorder, temporaryDir, until } from './harness.ts';
import { type Supervised, type SuperviseOptions, supervise } from './supervise.ts';

/**
 * A child that adds its process id to FILE, goes on with the script, and stays; ready when the id is there. What it does with
 * signals it says `first`: once it is ready, it may be asked to stop. `restingMs`: how long after the end of one the next began.
 */
async function scripted(
  script: string,
  { first = '', ...options }: Partial<SuperviseOptions> & { first?: string } = {},
) {
  const dir = await temporaryDir();
  const file = join(dir, 'pids');
  const { log, lines } = recorder();
  const source = `const FILE = ${JSON.stringify(file)};
    ${first};
    require('node:fs').appendFileSync(FILE, process.pid + '\\n');
    setInterval(() => {}, 1000); ${script}`;
  const pids = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number);
  const restingMs: number[] = [];
  let endedMs: number | undefined;
  const settings: SuperviseOptions = {
    name: 'probe',
    log,
    spawn: () => {
      if (endedMs !== undefined) restingMs.push(performance.now() - endedMs);
      const child = spawnServer(process.execPath, ['-e', source]);
      child.once('exit', () => {
        endedMs = performance.now();
      });
      return child;
    },
    ready: async child => {
      await until(async () => (await pids()).includes(child.pid ?? 0));
    },
    backoffMs: [20, 200],
    ...options,
  };
  const start = async (): Promise<Supervised> => {
    const supervised = await supervise(settings);
    onTestFinished(() => supervised.stop());
    return supervised;
  };
  return { start, pids, lines, file, restingMs };
}

test('a child that dies unasked is started again, and each death is logged', async () => {
  const { start, pids, lines } = await scripted('');
  const supervised = await start();
  for (let death = 1; death <= 3; death += 1) {
    const before = supervised.pid();
    kill(before);
    await until(() => supervised.pid() !== undefined && supervised.pid() !== before);
    await until(() => lines.filter(line => line.includes('was ended by SIGKILL')).length === death);
    await until(() => lines.filter(line => line.includes('runs again')).length === death);
  }
  expect(await pids()).toHaveLength(4);
  expect(await Promise.all((await pids()).map(isRunning))).toEqual([false, false, false, true]);
});

test('restarts of a child that keeps dying are spaced out, up to the limit, and go on', async () => {
  const { start, file, restingMs } = await scripted('', {
    first: `if (require('node:fs').existsSync(FILE + '.bad')) process.exit(3)`,
  });
  const supervised = await start();
  await writeFile(`${file}.bad`, '');
  kill(supervised.pid());
  // Were there no limit, the last of these pauses alone would be 20 s, and 40 s all of them.
  const pausesMs = [20, 40, 80, 160, 200, 200, 200, 200, 200, 200, 200];
  await until(() => restingMs.length >= pausesMs.length);
  // Timers count in whole milliseconds.
  expect(pausesMs.filter((ms, index) => (restingMs[index] ?? 0) < ms - 2)).toEqual([]);
  await rm(`${file}.bad`);
  await until(() => isRunning(supervised.pid()));
});

test('a child that does not become ready is an error that names it and shows its last output', async () => {
  const { start, pids } = await scripted(`console.error('the disk is on fire'); process.exit(7)`, {
    ready: () => new Promise(() => undefined),
    attempts: 2,
  });
  await expect(start()).rejects.toThrow(
    /^probe could not be started: it ended with exit code 7\n\s+the disk is on fire/,
  );
  expect(await pids()).toHaveLength(2);
});

test('readiness is waited for only so long, and the child that never came is gone', async () => {
  // However far it has come.
  const spawned: (number | undefined)[] = [];
  const { start } = await scripted('', {
    first: `process.on('SIGTERM', () => {})`,
    ready: child => {
      spawned.push(child.pid);
      return new Promise(() => undefined);
    },
    readyTimeoutMs: 400,
    attempts: 1,
  });
  await expect(start()).rejects.toThrow('probe could not be started: it was not ready within 400 ms');
  expect(spawned).toEqual([expect.any(Number)]);
  expect(await Promise.all(spawned.map(isRunning))).toEqual([false]);
});

test('a command that does not exist is an error, not a crash', async () => {
  const { start } = await scripted('', { spawn: () => spawnServer('/nowhere/at-all', []), attempts: 1 });
  await expect(start()).rejects.toThrow(
    'probe could not be started: it could not be spawned (spawn /nowhere/at-all ENOENT)',
  );
});

test('stop asks with SIGTERM first', async () => {
  const { start, file } = await scripted('', {
    first: `process.on('SIGTERM', () => { require('node:fs').writeFileSync(FILE + '.asked', ''); process.exit(0); })`,
  });
  const supervised = await start();
  const pid = supervised.pid();
  await supervised.stop();
  expect(await isRunning(pid)).toBe(false);
  expect(supervised.pid()).toBeUndefined();
  expect(await readFile(`${file}.asked`, 'utf8')).toBe('');
});

test('stop ends a child that ignores SIGTERM, after the time it is given', async () => {
  const { start } = await scripted('', { first: `process.on('SIGTERM', () => {})`, stopTimeoutMs: 300 });
  const supervised = await start();
  const pid = supervised.pid();
  const beganMs = performance.now();
  await Promise.all([supervised.stop(), supervised.stop()]);
  expect(performance.now() - beganMs).toBeGreaterThan(290);
  expect(await isRunning(pid)).toBe(false);
});

test('stop right after a death starts nothing again', async () => {
  const { start, pids } = await scripted('');
  const supervised = await start();
  kill(supervised.pid());
  await supervised.stop();
  await delay(300);
  expect(await Promise.all((await pids()).map(isRunning))).not.toContain(true);
});
