import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isRunning, kill, recorder, temporaryDir, until } from './harness.ts';
import { type MongodbOptions, startMongodb } from './mongodb.ts';

/** Stands in for the own server: it listens, says so, and ends as that one does. */
const standIn = `
  import { appendFileSync } from 'node:fs';
  import { createServer } from 'node:net';
  import { createRequire } from 'node:module';
import { join } from 'node:path';
  const [dir, port] = [process.argv[3], Number(process.argv[5])];
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
  createServer().listen(port, '127.0.0.1', () => {
    appendFileSync(join(dir, 'starts'), process.argv.slice(2).join(' ') + '\\n');
    process.send({ listening: port });
  });`;

const bson = createRequire(import.meta.url).resolve('bson');

/** Stands in for mongod: answers every message as MongoDB answers hello and ping. It does not notice a lost parent. */
const fakeMongod = `#!${process.execPath}
  const { appendFileSync } = require('node:fs');
  const { createServer } = require('node:net');
  const { serialize } = require(${JSON.stringify(bson)});
  const args = process.argv.slice(2);
  const option = name => args[args.indexOf(name) + 1];
  const body = serialize({ ok: 1, helloOk: true, isWritablePrimary: true, maxWireVersion: 25, minWireVersion: 0,
    maxBsonObjectSize: 16777216, maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000 });
  const answer = request => {
    const query = request.readInt32LE(12) === 2004;
    const head = Buffer.alloc(query ? 36 : 21);
    head.writeInt32LE(head.length + body.length, 0);
    head.writeInt32LE(request.readInt32LE(4), 8);
    head.writeInt32LE(query ? 1 : 2013, 12);
    if (query) head.writeInt32LE(1, 32);
    return Buffer.concat([head, body]);
  };
  process.on('SIGTERM', () => process.exit(0));
  createServer(socket => socket.on('error', () => {}).on('data', request => socket.write(answer(request))))
    .listen(Number(option('--port')), option('--bind_ip'), () => appendFileSync(option('--dbpath') + '/starts', 'started\\n'));
`;

async function options(): Promise<MongodbOptions & { lines: string[] }> {
  const dataDir = await temporaryDir();
  const main = join(await temporaryDir(), 'main.ts');
  await writeFile(main, standIn);
  return { dataDir, main, path: '', ...recorder() };
}

async function withMongod(script: string): Promise<string> {
  const path = await temporaryDir();
  await writeFile(join(path, 'mongod'), script);
  await chmod(join(path, 'mongod'), 0o755);
  return path;
}

async function started(given: MongodbOptions) {
  const server = await startMongodb(given);
  onTestFinished(() => server.stop());
  return server;
}

test('the own server is started when there is no mongod, and again on the same port after kill -9', async () => {
  const given = await options();
  const server = await started(given);
  const { port, pathname } = new URL(server.url);
  expect(pathname).toBe('/tributary');
  const before = server.pid();
  kill(before);
  await until(() => given.lines.join().includes('mongodb runs again'));
  expect(await isRunning(server.pid())).toBe(true);
  const dir = join(given.dataDir, 'mongodb');
  const starts = (await readFile(join(dir, 'starts'), 'utf8')).trim().split('\n');
  expect(starts).toEqual([`--dir ${dir} --port ${port}`, `--dir ${dir} --port ${port}`]);
});

test('stop leaves no process', async () => {
  const given = await options();
  const server = await started(given);
  const pid = server.pid();
  await server.stop();
  expect(await isRunning(pid)).toBe(false);
  expect(await readdir(given.dataDir)).toEqual(['mongodb']);
});

test('a mongod on the PATH is preferred, and started again on the same port after kill -9', async () => {
  const given = { ...(await options()), path: await withMongod(fakeMongod) };
  const server = await started(given);
  expect(server.name).toBe('mongod');
  const before = server.pid();
  kill(before);
  await until(() => given.lines.join().includes('mongod runs again'));
  expect(await isRunning(server.pid())).toBe(true);
  expect(await readFile(join(given.dataDir, 'mongod', 'starts'), 'utf8')).toBe('started\nstarted\n');
});

test('a mongod that an earlier run left on the folder is ended first', async () => {
  const given = { ...(await options()), path: await withMongod(fakeMongod) };
  const left = await started(given);
  const server = await started(given);
  expect(given.lines.join()).toContain('mongod of an earlier run still served the data folder');
  expect(server.pid()).not.toBe(left.pid());
});

test('a data folder stays with the server that wrote it', async () => {
  const given = await options();
  const path = await withMongod(fakeMongod);
  const own = await started(given);
  await own.stop();
  expect((await started({ ...given, path })).name).toBe('mongodb');

  const other = await options();
  await mkdir(join(other.dataDir, 'mongod'));
  await expect(startMongodb(other)).rejects.toThrow(/were written by mongod, which is not on the PATH: .* MONGODB_URL/);
});

test('a mongod that does not work on this machine is passed over', async () => {
  const given = { ...(await options()), path: await withMongod('#!/bin/sh\necho no AVX >&2\nexit 132\n') };
  const server = await started(given);
  expect(server.name).toBe('mongodb');
  expect(given.lines.join()).toContain('using the embedded server instead');
  expect(await readdir(given.dataDir)).not.toContain('mongod');
});
