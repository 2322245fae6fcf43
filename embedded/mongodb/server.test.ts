import { rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { serialize } from 'bson';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from './commands.ts';
import { type Served, serve } from './server.ts';
import { startChild, temporary } from './trial.ts';

const dirs: string[] = [];
const folder = () => {
  const dir = temporary();
  dirs.push(dir);
  return dir;
};
afterAll(() => dirs.forEach(dir => void rmSync(dir, { recursive: true, force: true })));

function message(code: number, ...parts: Uint8Array[]): Buffer {
  const head = Buffer.alloc(16);
  const body = Buffer.concat(parts);
  head.writeInt32LE(16 + body.length, 0);
  head.writeInt32LE(7, 4);
  head.writeInt32LE(code, 12);
  return Buffer.concat([head, body]);
}

const msg = (flags: number, ...sections: Uint8Array[]) => {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(flags);
  return message(2013, word, ...sections);
};
const body = (doc: object) => Buffer.concat([Buffer.from([0]), serialize(doc)]);
const ping = msg(0, body({ ping: 1, $db: 'admin' }));

describe('the wire protocol', () => {
  let server: Served;
  beforeAll(async () => {
    server = await serve({ dir: folder(), port: 0 });
  });
  afterAll(() => server.close());

  /** What comes back on a new connection, or undefined if the server closes it without a word. */
  const send = (...chunks: Buffer[]): Promise<Buffer | undefined> =>
    new Promise(resolve => {
      const socket: Socket = connect(server.port, '127.0.0.1');
      socket.once('data', data => {
        resolve(data);
        socket.destroy();
      });
      socket.on('close', () => resolve(undefined)).on('error', () => {});
      for (const chunk of chunks) socket.write(chunk);
    });

  test('answers a message, also in pieces, with checksum or with the legacy hello', async () => {
    expect((await send(ping))?.readInt32LE(8)).toBe(7);
    expect(await send(...[...ping].map(byte => Buffer.from([byte])))).toBeDefined();
    expect(await send(msg(1, body({ ping: 1, $db: 'admin' }), Buffer.alloc(4)))).toBeDefined();
    const query = message(
      2004,
      Buffer.alloc(4),
      Buffer.from('admin.$cmd\0'),
      Buffer.alloc(8),
      serialize({ isMaster: 1 }),
    );
    expect((await send(query))?.readInt32LE(12)).toBe(1);
  });

  test('answers requests that follow each other closely', async () => {
    expect((await send(Buffer.concat([ping, ping, ping])))?.length).toBeGreaterThan(20);
  });

  test.each<[string, Buffer]>([
    ['a message that is too short', Buffer.from([5, 0, 0, 0, 1, 2, 3, 4])],
    ['a message that is too long', Buffer.from([255, 255, 255, 127, 0, 0, 0, 0])],
    ['a negative length', Buffer.from([255, 255, 255, 255, 0, 0, 0, 0])],
    ['an unknown operation', message(2002, Buffer.alloc(8))],
    ['unknown required flags', msg(4, body({ ping: 1 }))],
    ['no body', msg(0)],
    ['two bodies', msg(0, body({ ping: 1 }), body({ ping: 1 }))],
    ['an unknown section', msg(0, Buffer.from([9, 5, 0, 0, 0, 0]))],
    ['a document longer than its message', msg(0, Buffer.from([0, 200, 0, 0, 0, 0]))],
    ['a document that is none', msg(0, Buffer.from([0, 8, 0, 0, 0, 77, 77, 77, 77]))],
    [
      'a query of anything but hello',
      message(2004, Buffer.alloc(4), Buffer.from('a.b\0'), Buffer.alloc(8), serialize({ find: 'c' })),
    ],
  ])('%s closes the connection it came on, and no other', async (_, bytes) => {
    expect(await send(bytes)).toBeUndefined();
    expect(await send(ping)).toBeDefined();
  });

  test('malformed documents in an insert are refused and not stored', async () => {
    const broken = Buffer.from(serialize({ _id: 1, a: 'text' }));
    broken.writeInt32LE(500, broken.indexOf('a\0') + 2);
    const sequence = Buffer.concat([Buffer.alloc(4), Buffer.from('documents\0'), broken]);
    sequence.writeInt32LE(sequence.length, 0);
    await send(msg(0, body({ insert: 'broken', $db: 'x' }), Buffer.concat([Buffer.from([1]), sequence])));
    const client = await MongoClient.connect(server.url);
    expect(await client.db('x').collection('broken').countDocuments()).toBe(0);
    await client.close();
  });
});

describe('the process', () => {
  test('says where it listens, keeps what it is given, and ends with 0 when told to', async () => {
    const dir = folder();
    const first = await startChild(dir);
    const client = await MongoClient.connect(first.url);
    await client.db('x').collection('c').insertOne({ a: 1 });
    await client.close();
    expect(await first.stop('SIGINT')).toBe(0);
    const second = await startChild(dir);
    const again = await MongoClient.connect(second.url);
    expect(await again.db('x').collection('c').countDocuments({ a: 1 })).toBe(1);
    await again.close();
    expect(await second.stop('SIGTERM')).toBe(0);
  });

  test('finishes what it has when told to end', async () => {
    const child = await startChild(folder());
    const client = await MongoClient.connect(child.url);
    const writes = Array.from({ length: 20 }, () => client.db('x').collection('c').insertOne({ a: 1 }));
    await Promise.all(writes);
    const late = client
      .db('x')
      .collection('c')
      .insertMany(Array.from({ length: 1000 }, () => ({ a: 1 })));
    late.catch(() => {});
    expect(await child.stop()).toBe(0);
    await client.close();
  });

  test('ends by itself when its parent is gone', async () => {
    const child = await startChild(folder());
    const ended = new Promise(resolve => child.process.once('exit', resolve));
    child.process.disconnect();
    expect(await ended).toBe(0);
  });

  test('refuses a folder in use, an address in use and a folder that is a file, with one line and exit code 1', async () => {
    const dir = folder();
    const child = await startChild(dir);
    onTestFinished(async () => void (await child.stop()));
    await expect(startChild(dir)).rejects.toThrow(/^exit 1: [^\n]*in use by another process\n$/);
    await expect(startChild(folder(), { port: child.port })).rejects.toThrow(/^exit 1: [^\n]*EADDRINUSE[^\n]*\n$/);
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    await expect(startChild(file)).rejects.toThrow(/^exit 1: [^\n]*\n$/);
  });

  test('does not listen anywhere but on loopback', async () => {
    await expect(serve({ dir: folder(), port: 0, host: '0.0.0.0' })).rejects.toThrow(/loopback/);
  });
});

test('the engine runs commands without a socket', async () => {
  const database = await openDatabase(folder());
  const run = (command: object) => database.execute({ ...command, $db: 'x' });
  expect(await run({ insert: 'c', documents: [{ _id: 'a', n: 1 }] })).toMatchObject({ ok: expect.anything() });
  expect((await run({ find: 'c', filter: {} })).cursor).toMatchObject({ firstBatch: [{ _id: 'a' }] });
  expect(await run({ nonsense: 1 })).toMatchObject({ codeName: 'CommandNotFound' });
  await database.close();
});
