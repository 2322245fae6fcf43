import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { expect, onTestFinished, test } from 'vitest';
import { isRunning, kill, recorder, temporaryDir, until } from './harness.ts';
import { type Servers, startServers } from './index.ts';

async function started(dataDir: string): Promise<Servers> {
  const servers = await startServers({ dataDir, log: recorder().log });
  onTestFinished(() => servers.stop());
  return servers;
}

function connected({ mongodbUrl, redisUrl }: Pick<Servers, 'mongodbUrl' | 'redisUrl'>) {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  const mongodb = new MongoClient(mongodbUrl);
  onTestFinished(async () => {
    redis.disconnect();
    await mongodb.close();
  });
  return { redis, documents: mongodb.db('tributary-probe').collection<{ _id: string }>('documents') };
}

/** Another process that starts the servers of a folder. */
async function parent(dataDir: string) {
  const source = `import { pino } from 'pino';
    import { startServers } from './embedded/index.ts';
    const servers = await startServers({ dataDir: ${JSON.stringify(dataDir)}, log: pino({ level: 'silent' }) });
    const pids = servers.children.map(child => child.pid());
    process.once('SIGTERM', () => process.exit(1));
    console.log(JSON.stringify({ mongodbUrl: servers.mongodbUrl, redisUrl: servers.redisUrl, pids }));`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { pids, ...urls } = JSON.parse(String(line)) as { pids: number[]; mongodbUrl: string; redisUrl: string };
  return { child, pids, urls };
}

test('both are started again after kill -9, behind the same URLs, with their data', async () => {
  const servers = await started(await temporaryDir());
  const { redis, documents } = connected(servers);
  await redis.set('key', 'kept');
  await documents.insertOne({ _id: 'kept' });

  const pids = servers.children.map(child => child.pid());
  pids.forEach(kill);
  await until(() => servers.children.every(child => child.pid() !== undefined && !pids.includes(child.pid())));

  expect(await redis.get('key')).toBe('kept');
  await until(() => documents.findOne({ _id: 'kept' }).catch(() => undefined));
});

test('after kill -9 of the whole system the next start works at once, with the data and without a second Redis', async () => {
  const dataDir = await temporaryDir();
  const killed = await parent(dataDir);
  const before = connected(killed.urls);
  await before.redis.set('key', 'kept');
  await before.documents.insertOne({ _id: 'kept' });
  kill(killed.child.pid);

  const servers = await started(dataDir);
  const after = connected(servers);
  expect(await after.redis.get('key')).toBe('kept');
  expect(await after.documents.findOne({ _id: 'kept' })).not.toBeNull();
  expect(await Promise.all(killed.pids.map(isRunning))).toEqual([false, false]);
  expect(await after.redis.config('GET', 'dir')).toContain(join(dataDir, 'redis'));
});

test('stop leaves no process', async () => {
  const servers = await started(await temporaryDir());
  const pids = servers.children.map(child => child.pid());
  expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);
  await Promise.all([servers.stop(), servers.stop()]);
  expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]);
});

test('a process that exits without stopping its servers takes them along', async () => {
  const dataDir = await temporaryDir();
  const { child, pids } = await parent(dataDir);
  child.kill('SIGTERM');
  await Promise.all(pids.map(pid => until(async () => !(await isRunning(pid)))));
});

test('what is given by URL is not started', async () => {
  const urls = { mongodbUrl: 'mongodb://db.test/bank', redisUrl: 'redis://queue.test' };
  const servers = await startServers({ dataDir: await temporaryDir(), log: recorder().log, ...urls });
  expect(servers).toMatchObject({ ...urls, children: [] });
  await servers.stop();
});

test('when one does not start, the other is stopped too', async () => {
  const dataDir = await temporaryDir();
  const path = process.env.PATH;
  process.env.PATH = dataDir;
  onTestFinished(() => {
    process.env.PATH = path;
  });
  await expect(startServers({ dataDir, log: recorder().log })).rejects.toThrow('redis-server was not found');
  const left = Number(await readFile(join(dataDir, 'mongodb.pid'), 'utf8').catch(() => '0'));
  expect(left).toBe(0);
});
