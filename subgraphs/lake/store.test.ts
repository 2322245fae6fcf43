import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../events/event.ts';
import { faultEvent } from '../../events/fault.ts';
import { createSystem, happening, happenings, isReady, silent, useServers } from '../../events/fixture.ts';
import { applyRules } from '../../events/rule.ts';
import { identityCodec } from '../../schema/identity.ts';
import { readSdl } from '../catalog.ts';
import { hostSubgraph } from '../host.ts';
import { GENESIS, hashAfter } from './hash.ts';
import { service } from './index.ts';
import { createLake, indexes, type LakeRow, TOPIC } from './store.ts';
import { tail } from './tail.ts';

const urls = useServers();

async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const rows = system.collection<LakeRow>('lake', 'rows');
  await rows.createIndexes([...(Object.values(indexes)[0] ?? [])]);
  const make = () => createLake({ summaries: undefined, rows, feed: system.feed, clock: system.clock });
  return { ...system, rows, lake: make(), another: make };
}

describe('the hash of an event', () => {
  test('is SHA-256 over the hash before and the event as canonical JSON', () => {
    const event = happening('1');
    const text = GENESIS + (canonicalize(event) ?? '');
    expect(hashAfter(GENESIS, event)).toBe(createHash('sha256').update(text).digest('hex'));
    // Pinned: it stands in lakes, and whoever verifies one by other means relies on it.
    expect(hashAfter(GENESIS, event)).toBe('b3c49acaafb73ed4d4434bb03bf9b2922d7db2b2f232777bbb776547ca04fa9f');
  });

  test('does not depend on the order of attributes, but on each of them and on what came before', () => {
    const event = happening('1');
    const reversed = Object.fromEntries(Object.entries(event).reverse()) as Event;
    expect(hashAfter(GENESIS, reversed)).toBe(hashAfter(GENESIS, event));
    const changes: Partial<Event>[] = [
      { id: '2' },
      { data: { n: 2 } },
      { time: '2026-01-31T12:00:00.001Z' },
      { subject: 'b' },
    ];
    const hashes = changes.map(change => hashAfter(GENESIS, { ...event, ...change }));
    expect(new Set([...hashes, hashAfter(GENESIS, event), hashAfter(hashAfter(GENESIS, event), event)]).size).toBe(6);
  });
});

describe('the lake', () => {
  test('gives every event its place, 1 to n without gaps, with two writers that get the same events', async () => {
    const { rows, lake, another } = await started();
    const writers = [lake, another()] as const;
    const events = happenings(120);
    await Promise.all(
      writers.map(async (writer, which) => {
        const own = which === 0 ? events : [...events].reverse();
        for (let at = 0; at < own.length; at += 9 + which) await writer.store(own.slice(at, at + 9 + which));
      }),
    );
    const positions = (await rows.find().sort({ version: 1 }).toArray()).map(({ version }) => version);
    expect(positions).toEqual(events.map((_, index) => index + 1));
    expect(await lake.verify()).toMatchObject({ valid: true, events: 120, firstBadPosition: null });
  });

  test('keeps events of types that nobody knows, with everything in them', async () => {
    const { lake } = await started();
    const event = {
      ...happening('1'),
      type: 'unheard-of',
      extension: 'kept',
      data: { deep: [{ er: null }, 1.5, 'ü'] },
    };
    await lake.store([event]);
    const [row] = await lake.after(0, undefined, 10);
    expect(row?.event).toEqual(JSON.parse(JSON.stringify(event)));
    expect(await lake.verify()).toMatchObject({ valid: true, head: row?.hash });
  });

  test('tells whoever watches where it has got to', async () => {
    const { lake, feed } = await started();
    const watcher = feed.watch(TOPIC);
    await watcher.next();
    await lake.store(happenings(3));
    expect((await watcher.next()).value).toEqual({ message: 3 });
    await watcher.return?.();
  });

  test('that is empty is sound', async () => {
    const { lake } = await started();
    expect(await lake.verify()).toEqual({ valid: true, events: 0, head: GENESIS, firstBadPosition: null });
  });
});

test('the tail shows every event after its start, in order, none left out and none twice', async () => {
  const { lake, feed } = await started();
  await lake.store([happening('before')]);
  const events = tail({ lake, feed, filter: { subject: 'x' }, from: await lake.size() }, ({ event }) => event.id);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const id of events) {
      seen.push(id);
      if (seen.length === 150) break;
    }
  })();
  const all = happenings(300).map((event, index) => ({ ...event, subject: index % 2 === 0 ? 'x' : 'y' }));
  for (let at = 0; at < all.length; at += 37) await lake.store(all.slice(at, at + 37));
  await reading;
  expect(seen).toEqual(all.filter(({ subject }) => subject === 'x').map(({ id }) => id));
});

test('the lake holds its own faults like any other event, in their place', async () => {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const context = system.context('lake');
  for (const [name, wanted] of Object.entries(service.indexes))
    await context.collection(name).createIndexes([...wanted]);
  const { rules, resolvers } = service.create(context);
  const identities = identityCodec('a secret for tests that is long enough');
  const subgraph = hostSubgraph({ name: 'lake', sdl: readSdl('lake'), resolvers, identities, log: silent });

  const input = {
    service: 'lake',
    original: { no: 'event' },
    error: new Error('no event'),
    deliveries: 1,
    resubmission: 0,
  };
  const fault = faultEvent(input, system.clock);
  // What the consumer does; and then the fault comes back, as every event comes to the lake.
  await context.outbox.appendDerived([fault]);
  await applyRules(rules, [fault], { replay: false });

  const query =
    '{ faults { nodes { id service error } } events { nodes { id position } totalCount } verifyLake { valid events } }';
  const { data } = await subgraph.execute({
    query,
    identity: await identities.sign({ ownerId: 'olga', operator: true }),
  });
  expect(JSON.parse(JSON.stringify(data))).toEqual({
    faults: { nodes: [{ id: fault.id, service: 'lake', error: 'no event' }] },
    events: { nodes: [{ id: fault.id, position: 1 }], totalCount: 1 },
    verifyLake: { valid: true, events: 1 },
  });
});
