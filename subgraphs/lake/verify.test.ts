import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSystem, fakeClock, happening, happenings, isReady, until, useServers } from '../../events/fixture.ts';
import {
  type CheckpointRow,
  checkpointNow,
  createCheckpoints,
  isGenuine,
  type KeyRow,
  signStatement,
} from './checkpoint.ts';
import { lakeEvents } from './fixture.ts';
import { GENESIS, hashAfter } from './hash.ts';
import { createLake, indexes, type LakeRow } from './store.ts';

const urls = useServers();

async function started(clock = fakeClock()) {
  const system = createSystem(urls, { clock });
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'lake');
  await rows.createIndexes([...indexes.lake]);
  const recorded = system.collection<CheckpointRow>('lake', 'checkpoints');
  const keys = system.collection<KeyRow>('lake', 'keys');
  const another = () => createCheckpoints({ collection: recorded, keys, system: rows.dbName, clock });
  const checkpoints = another();
  const lake = createLake({ summaries: undefined, rows, feed: system.feed, clock, checkpoints });
  return { ...system, clock, rows, recorded, checkpoints, another, lake };
}

type Started = Awaited<ReturnType<typeof started>>;

describe('verifying finds the first position that is not as it was', () => {
  async function damaged(damage: (rows: Started['rows']) => Promise<unknown>) {
    const { rows, lake } = await started();
    await lake.store(happenings(10));
    await damage(rows);
    return lake.verify();
  }

  test.each<[string, object]>([
    ['data', { 'event.data.n': 99 }],
    ['time', { 'event.time': '2020-01-01T00:00:00.000Z' }],
    ['subject', { 'event.subject': 'mallory' }],
    ['id', { 'event.id': 'another' }],
    ['chain', { chain: 'another' }],
    ['position', { version: 50 }],
    ['hash', { hash: GENESIS }],
    ['extension', { 'event.new': 'attribute' }],
    ['number, which is none any more,', { 'event.data.n': Number.NaN }],
    ['time, into a date that is written like it,', { 'event.time': new Date(happening('e').time) }],
    ['event, which is nothing any more,', { event: null }],
  ])('when the %s was changed', async (_, change) => {
    expect(await damaged(rows => rows.updateOne({ version: 5 }, { $set: change }))).toMatchObject({
      valid: false,
      firstBadPosition: 5,
    });
  });

  test('when the event and its hash were changed together: at the next one', async () => {
    const verification = await damaged(async rows => {
      const [before, row] = await rows
        .find({ version: { $in: [4, 5] } })
        .sort({ version: 1 })
        .toArray();
      if (!before || !row) throw new Error('no rows');
      const event = { ...row.event, data: { n: 99 } };
      await rows.updateOne({ version: 5 }, { $set: { event, hash: hashAfter(before.hash, event) } });
    });
    expect(verification).toMatchObject({ valid: false, firstBadPosition: 6 });
  });

  test('when a row has the id of another event', async () => {
    const verification = await damaged(async rows => {
      const row = await rows.findOne({ version: 5 });
      await rows.deleteOne({ version: 5 });
      if (row) await rows.insertOne({ ...row, _id: 'another' });
    });
    expect(verification).toMatchObject({ valid: false, firstBadPosition: 5 });
  });

  test('when a row was removed', async () => {
    expect(await damaged(rows => rows.deleteOne({ version: 5 }))).toMatchObject({ valid: false, firstBadPosition: 5 });
    expect(await damaged(rows => rows.deleteOne({ version: 1 }))).toMatchObject({ valid: false, firstBadPosition: 1 });
  });

  test('when a row was removed and the rest moved up', async () => {
    const verification = await damaged(async rows => {
      await rows.deleteOne({ version: 5 });
      for (let version = 6; version <= 10; version++)
        await rows.updateOne({ version }, { $set: { version: version - 1 } });
    });
    expect(verification).toMatchObject({ valid: false, firstBadPosition: 5 });
  });

  test('when a row was inserted', async () => {
    const verification = await damaged(async rows => {
      for (let version = 10; version >= 5; version--)
        await rows.updateOne({ version }, { $set: { version: version + 1 } });
      const event = happening('inserted');
      await rows.insertOne({ _id: 'inserted', chain: 'lake', version: 5, event, storedAt: event.time, hash: GENESIS });
    });
    expect(verification).toMatchObject({ valid: false, firstBadPosition: 5 });
  });

  test.each<[string, object]>([
    ['of another chain', { chain: 'another', version: 5 }],
    ['of no chain', {}],
    ['before the first', { chain: 'lake', version: 0 }],
    ['between two', { chain: 'lake', version: 5.5 }],
    ['at a position that is no number', { chain: 'lake', version: '5' }],
    ['beyond the last', { chain: 'lake', version: 12 }],
  ])('when a row was inserted %s', async (_, place) => {
    const verification = await damaged(async rows => {
      const event = happening('inserted');
      const row = { _id: 'inserted', event, storedAt: event.time, hash: GENESIS, ...place };
      await rows.insertOne(row as LakeRow);
    });
    expect(verification).toMatchObject({
      valid: false,
      firstBadPosition: expect.any(Number),
      events: expect.any(Number),
    });
    expect(verification.events).not.toBeNaN();
  });

  test('when two rows were swapped', async () => {
    const verification = await damaged(async rows => {
      await rows.updateOne({ version: 5 }, { $set: { version: 99 } });
      await rows.updateOne({ version: 7 }, { $set: { version: 5 } });
      await rows.updateOne({ version: 99 }, { $set: { version: 7 } });
    });
    expect(verification).toMatchObject({ valid: false, firstBadPosition: 5 });
  });
});

describe('a lake of several batches', () => {
  const EVENTS = 2_500;

  async function filled() {
    const own = await started();
    for (let at = 0; at < EVENTS; at += 500) await own.lake.store(lakeEvents(at, 500));
    return own;
  }

  test('is verified in whole and in parts, and a hole larger than a batch is found', async () => {
    const { lake, rows } = await filled();
    const hashOf = async (version: number) => (await rows.findOne({ version }))?.hash;
    const sound = { valid: true, firstBadPosition: null };
    expect(await lake.verify()).toEqual({ ...sound, events: EVENTS, head: await hashOf(EVENTS) });
    expect(await lake.verify({ to: 1_000 })).toEqual({ ...sound, events: 1_000, head: await hashOf(1_000) });
    expect(await lake.verify({ from: 1_001, to: 2_100 })).toEqual({
      ...sound,
      events: 1_100,
      head: await hashOf(2_100),
    });
    expect(await lake.verify({ from: 2_101 })).toEqual({ ...sound, events: 400, head: await hashOf(EVENTS) });
    expect(await lake.verify({ from: 7, to: 9_999 })).toMatchObject({ ...sound, events: EVENTS - 6 });

    await rows.updateOne({ version: 1_500 }, { $set: { 'event.subject': 'mallory' } });
    expect(await lake.verify()).toMatchObject({ valid: false, firstBadPosition: 1_500 });
    expect(await lake.verify({ to: 1_499 })).toMatchObject(sound);
    expect(await lake.verify({ from: 1_400, to: 1_600 })).toMatchObject({ valid: false, firstBadPosition: 1_500 });
    // What a part begins with is taken as it stands.
    expect(await lake.verify({ from: 1_501 })).toMatchObject(sound);

    await rows.deleteMany({ version: { $gte: 100, $lte: 2_300 } });
    expect(await lake.verify()).toMatchObject({ valid: false, firstBadPosition: 100 });
    expect(await lake.verify({ from: 2_301 })).toMatchObject({ valid: false, firstBadPosition: 2_300 });
  });

  test.each<[string, unknown, number]>([
    ['two batches', 1_000.5, 1_001],
    ['two batches, as a list', [1_000.5], 1_001],
    ['the last position and the one to come', 2_500.5, 2_500],
  ])('is not what it was with a row between %s', async (_, version, firstBadPosition) => {
    const { lake, rows } = await filled();
    const event = happening('inserted');
    const row = { _id: 'inserted', chain: 'lake', version, event, storedAt: event.time, hash: GENESIS };
    await rows.insertOne(row as LakeRow);
    expect(await lake.verify()).toMatchObject({ valid: false, events: EVENTS, firstBadPosition });
  });

  test.each([
    [{ from: 0 }, /from: the first position is 1/],
    [{ from: 5, to: 4 }, /to: must not be before from/],
    [{ from: 12 }, /from: the lake has 10 events/],
  ])('is not verified in the part %j', async (part, message) => {
    const { lake } = await started();
    await lake.store(happenings(10));
    await expect(lake.verify(part)).rejects.toThrow(message);
  });
});

describe('checkpoints', () => {
  test('are signed by the one key of the lake, whichever process signs', async () => {
    const { lake, checkpoints, another, mongo, prefix, clock } = await started();
    await lake.store(happenings(3));
    const [one, other] = await Promise.all([checkpointNow(lake, checkpoints), checkpointNow(lake, another())]);
    expect(one).toMatchObject({ system: `${prefix}-lake`, position: 3, hash: (await lake.head())?.hash });
    expect(one.time).toBe(new Date(clock.now()).toISOString());
    expect(isGenuine(one)).toBe(true);
    expect(other).toEqual(one);
    expect(await mongo.db(`${prefix}-lake`).collection('keys').countDocuments()).toBe(1);
  });

  test('of an empty lake say so', async () => {
    const { lake, checkpoints } = await started();
    const checkpoint = await checkpointNow(lake, checkpoints);
    expect(checkpoint).toMatchObject({ position: 0, hash: GENESIS });
    expect(isGenuine(checkpoint)).toBe(true);
  });

  test('are recorded every 10,000 events', async () => {
    const { lake, recorded, rows } = await started();
    for (let at = 0; at < 20_300; at += 700) await lake.store(lakeEvents(at, 700));
    const kept = await recorded.find().sort({ _id: 1 }).toArray();
    expect(kept.map(({ _id }) => _id)).toEqual([10_000, 20_000]);
    for (const { position, hash } of kept) expect(hash).toBe((await rows.findOne({ version: position }))?.hash);
    expect(await lake.verify()).toMatchObject({ valid: true, events: 20_300 });
  });

  test('are recorded every minute when there is something new, and the newest 100 are kept', async () => {
    const { lake, checkpoints, recorded, clock } = await started();
    const stopped = new AbortController();
    onTestFinished(() => stopped.abort());
    void checkpoints.keepRecording(lake.head, stopped.signal, () => undefined);
    const positions = async () => (await recorded.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
    /** A minute, and what is recorded when it is over. */
    const minute = async () => {
      await clock.pass(60_000);
      await clock.asleep(1);
    };
    const all = happenings(105);
    await lake.store(all.slice(0, 1));
    await minute();
    expect(await positions()).toEqual([1]);
    await minute();
    expect(await positions()).toEqual([1]);
    for (let count = 2; count <= 105; count++) {
      await lake.store(all.slice(0, count));
      await minute();
      expect((await positions()).at(-1)).toBe(count);
    }
    await minute();
    expect(await positions()).toEqual(all.map((_, index) => index + 1).slice(5));
  });

  async function recordedAt8() {
    const own = await started();
    await own.lake.store(happenings(8));
    const stopped = new AbortController();
    void own.checkpoints.keepRecording(own.lake.head, stopped.signal, () => undefined);
    await own.clock.pass(60_000);
    await until(async () => (await own.recorded.countDocuments()) === 1);
    stopped.abort();
    await own.lake.store(happenings(10));
    expect(await own.lake.verify()).toMatchObject({ valid: true, events: 10 });
    return own;
  }

  test('show rows that were cut off at the end, as far as they cover them', async () => {
    const { lake, rows } = await recordedAt8();
    await rows.deleteMany({ version: { $gt: 8 } });
    expect(await lake.verify()).toMatchObject({ valid: true, events: 8 });
    await rows.deleteMany({ version: { $gt: 5 } });
    expect(await lake.verify()).toMatchObject({ valid: false, firstBadPosition: 6 });
    expect(await lake.verify({ to: 5 })).toMatchObject({ valid: true });
    await rows.deleteMany({});
    expect(await lake.verify()).toMatchObject({ valid: false, firstBadPosition: 1 });
  });

  test('show rows that were cut off and replaced, though the chain is whole', async () => {
    const { lake, rows, feed, clock } = await recordedAt8();
    await rows.deleteMany({ version: { $gt: 5 } });
    await createLake({ summaries: undefined, rows, feed, clock }).store(
      happenings(9).map(event => ({ ...event, id: `forged ${event.id}` })),
    );
    expect(await lake.verify()).toMatchObject({ valid: false, firstBadPosition: 8 });
    expect(await lake.verify({ to: 7 })).toMatchObject({ valid: true });
  });

  test('that were changed themselves are no proof, and are found', async () => {
    const { lake, recorded } = await recordedAt8();
    await recorded.updateOne({ _id: 8 }, { $set: { hash: GENESIS } });
    expect(await lake.verify()).toMatchObject({ valid: false, firstBadPosition: 8 });
  });

  test('do not count when another key signed them under the name of this one', () => {
    const [one, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const statement = { system: 's', position: 1, hash: GENESIS, time: '2026-01-31T12:00:00.000Z' };
    const { publicKey } = signStatement(statement, one.privateKey);
    expect(isGenuine({ ...signStatement(statement, other.privateKey), publicKey })).toBe(false);
    expect(isGenuine({ ...signStatement(statement, other.privateKey), publicKey: 'no key' })).toBe(false);
  });
});
