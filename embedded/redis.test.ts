import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { isRunning, kill, recorder, temporaryDir, until } from './harness.ts';
import { type RedisServer, startRedis } from './redis.ts';

async function started(dataDir: string) {
  const { log, lines } = recorder();
  const server = await startRedis({ dataDir, log });
  onTestFinished(() => server.stop());
  return { server, lines };
}

function connected({ url }: RedisServer): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

async function aofFile(dir: string): Promise<string> {
  const files = await readdir(join(dir, 'redis', 'appendonlydir'));
  return join(dir, 'redis', 'appendonlydir', files.find(file => file.endsWith('.incr.aof')) ?? '');
}

test('it is started again after kill -9, on the same port, with its data', async () => {
  const { server } = await started(await temporaryDir());
  const client = connected(server);
  await client.set('key', 'kept');
  const before = server.pid();
  kill(before);
  // The same connection finds it again by itself.
  expect(await client.get('key')).toBe('kept');
  expect(server.pid()).not.toBe(before);
});

test('it serves with the settings that the queue needs', async () => {
  const { server } = await started(await temporaryDir());
  const client = connected(server);
  const settings = await client.config('GET', 'appendonly', 'appendfsync', 'maxmemory-policy', 'bind', 'save');
  expect(Object.fromEntries(pairs(settings as string[]))).toMatchObject({
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    bind: '127.0.0.1',
    save: '',
  });
});

test('its password is in a file for the owner only, not on the command line or in the log, and asked for', async () => {
  const dir = await temporaryDir();
  const { server, lines } = await started(dir);
  const { password, port } = new URL(server.url);
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-eo', 'args']);
  expect(stdout).toContain(`redis-server 127.0.0.1:${port}`);
  expect(stdout).not.toContain(password);
  expect(lines.join('')).not.toContain(password);
  expect((await stat(join(dir, 'redis', 'server.json'))).mode & 0o777).toBe(0o600);
  const stranger = new Redis({ port: Number(port), lazyConnect: true, retryStrategy: () => null });
  stranger.on('error', () => undefined);
  await expect(stranger.connect().then(() => stranger.get('key'))).rejects.toThrow();
  stranger.disconnect();
});

test('password and data outlast a stop, which leaves no process', async () => {
  const dir = await temporaryDir();
  const first = await started(dir);
  await connected(first.server).set('key', 'kept');
  const pid = first.server.pid();
  await first.server.stop();
  expect(await isRunning(pid)).toBe(false);
  const second = await started(dir);
  expect(second.server.url).toBe(first.server.url);
  expect(await connected(second.server).get('key')).toBe('kept');
});

test('a damaged append-only file is set aside with a clear line, and it starts empty', async () => {
  const dir = await temporaryDir();
  const first = await started(dir);
  await connected(first.server).set('key', 'x'.repeat(1_000));
  await first.server.stop();
  const file = await aofFile(dir);
  await writeFile(file, (await readFile(file, 'latin1')).replace('*3', '!!'), 'latin1');

  const { server, lines } = await started(dir);
  expect(await connected(server).get('key')).toBeNull();
  expect(lines.filter(line => line.includes('cannot read its append-only file'))).toHaveLength(1);
  const aside = (await readdir(join(dir, 'redis'))).filter(name => name.startsWith('damaged-'));
  expect(aside).toHaveLength(1);
  expect(await readdir(join(dir, 'redis', aside[0] ?? ''))).toEqual(['appendonlydir']);
});

test('an append-only file damaged while it runs is set aside too', async () => {
  const dir = await temporaryDir();
  const { server, lines } = await started(dir);
  const client = connected(server);
  await client.set('key', 'value');
  const file = await aofFile(dir);
  await writeFile(file, `!!!!${await readFile(file, 'latin1')}`, 'latin1');
  kill(server.pid());
  await until(() => lines.some(line => line.includes('redis runs again')));
  expect(await client.get('key')).toBeNull();
});

test('a file cut off in the middle of its last command is read up to there', async () => {
  const dir = await temporaryDir();
  const first = await started(dir);
  const client = connected(first.server);
  await client.set('key', 'kept');
  await client.set('other', 'x'.repeat(1_000));
  await first.server.stop();
  const file = await aofFile(dir);
  await writeFile(file, (await readFile(file)).subarray(0, -500));
  const { server } = await started(dir);
  expect(await connected(server).get('key')).toBe('kept');
  expect((await readdir(join(dir, 'redis'))).join()).not.toContain('damaged');
});

test('without redis-server the error says what to do', async () => {
  const dataDir = await temporaryDir();
  await expect(startRedis({ dataDir, log: recorder().log, path: dataDir })).rejects.toThrow(
    'redis-server was not found on the PATH: install it, or set REDIS_URL',
  );
});

function pairs(flat: string[]): [string, string][] {
  return flat.flatMap((key, index) => (index % 2 === 0 ? [[key, flat[index + 1] ?? '']] : []));
}
