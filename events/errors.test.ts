import { Redis } from 'ioredis';
import { MongoClient, MongoServerError } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { Contention, ContractViolation, ignoreDuplicates, isDuplicateKey, isUnavailable } from './errors.ts';
import { createSystem, mortalRedis, useServers } from './fixture.ts';

const urls = useServers();
const thrownBy = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch(error => error);

describe('unavailable is', () => {
  test('a place that others were always faster to take', () => {
    expect(isUnavailable(new Contention('50 tries'))).toBe(true);
  });

  test('a MongoDB that cannot be reached, as the driver says it', async () => {
    const mongo = new MongoClient('mongodb://127.0.0.1:1/', { serverSelectionTimeoutMS: 50 });
    const collection = mongo.db('x').collection('x');
    expect(isUnavailable(await thrownBy(collection.findOne()))).toBe(true);
    expect(isUnavailable(await thrownBy(collection.insertOne({})))).toBe(true);
    // The driver says it otherwise where it writes in bulk.
    expect(isUnavailable(await thrownBy(collection.insertMany([{}, {}])))).toBe(true);
    expect(isUnavailable(await thrownBy(collection.insertMany([{}, {}], { ordered: false })))).toBe(true);
    const write = { updateOne: { filter: {}, update: { $set: { n: 1 } } } };
    expect(isUnavailable(await thrownBy(collection.bulkWrite([write])))).toBe(true);
    await mongo.close();
  });

  test('a Redis that cannot be reached, or is gone, as the client says it', async () => {
    const redis = await mortalRedis();
    const { transport } = createSystem({ ...urls, redisUrl: redis.url });
    expect(isUnavailable(await thrownBy(transport.redis.ping()))).toBe(true);
    await new Promise(resolve => transport.redis.once('ready', resolve));
    await redis.kill();
    const letter = { service: 'a', partition: 0, source: 'b', events: [] };
    expect(isUnavailable(await thrownBy(transport.send([letter])))).toBe(true);
    expect(isUnavailable(await thrownBy(transport.marks('a')))).toBe(true);
  });

  test('a Redis that is full, is loading or may not write', async () => {
    const redis = new Redis(urls.redisUrl);
    for (const reply of ['OOM command not allowed', 'LOADING Redis is loading', 'READONLY You cannot write'])
      expect(isUnavailable(await thrownBy(redis.eval(`return redis.error_reply('${reply}')`, 0))), reply).toBe(true);
    redis.disconnect();
  });

  test.each([
    ['a server that is not primary any more', new MongoServerError({ message: 'not primary', code: 10107 }), true],
    [
      'an error caused by one',
      new Error('could not', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
      true,
    ],
    ['not a wrong value', new TypeError('wrong'), false],
    ['not a violation', new ContractViolation('wrong'), false],
    ['not a duplicate', new MongoServerError({ message: 'E11000', code: 11000 }), false],
    ['not something that is no error', 'ECONNREFUSED', false],
  ])('%s', (_, error, expected) => {
    expect(isUnavailable(error)).toBe(expected);
  });
});

describe('a duplicate key', () => {
  const rows = () => createSystem(urls).collection<{ _id: number; unique?: number }>('a', 'rows');

  test('is known, of one write and of a batch', async () => {
    const collection = rows();
    await collection.insertOne({ _id: 1 });
    expect(isDuplicateKey(await thrownBy(collection.insertOne({ _id: 1 })))).toBe(true);
    expect(isDuplicateKey(await thrownBy(collection.insertMany([{ _id: 2 }, { _id: 1 }])))).toBe(true);
  });

  test('is ignored alone, and not beside another error', async () => {
    const collection = rows();
    await collection.insertOne({ _id: 1 });
    const both = [{ _id: 1 }, { _id: 2 }, { _id: 1 }];
    await collection.insertMany(both, { ordered: false }).catch(ignoreDuplicates);
    expect(await collection.countDocuments()).toBe(2);

    const mixed = Object.assign(new Error('mixed'), { code: 11000, writeErrors: [{ code: 11000 }, { code: 121 }] });
    expect(() => ignoreDuplicates(mixed)).toThrow('mixed');
    expect(() => ignoreDuplicates(new Error('other'))).toThrow('other');
  });
});
