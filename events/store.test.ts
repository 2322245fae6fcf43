import fc from 'fast-check';
import type { Collection } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { isUnavailable } from './errors.ts';
import type { Event } from './event.ts';
import { createSystem, happening, happenings, idsOf, TIME, useServers } from './fixture.ts';
import { groupBy } from './group.ts';
import { meddledWith } from './meddling.fixture.ts';
import { type ChainRow, chainIndex, createChain } from './store.ts';

const urls = useServers();

type Data = { n: number };
/** `sum` and `ids` are what was calculated up to the row. */
type Row = ChainRow & { event: Event; sum: number };

async function started() {
  const system = createSystem(urls);
  const collection = system.collection<Row>('a', 'store');
  await collection.createIndexes([chainIndex]);
  return {
    system,
    collection,
    chain: (options: Partial<Parameters<typeof createChain<Row>>[0]> = {}) =>
      createChain({ ...rules(collection), ...options }),
  };
}

const rules = (collection: Collection<Row>) => ({
  collection,
  chainOf: ({ subject = '' }: Event) => subject,
  next: (head: Row | undefined, event: Event): Row => ({
    _id: event.id,
    chain: event.subject ?? '',
    version: (head?.version ?? 0) + 1,
    event,
    sum: (head?.sum ?? 0) + (event.data as Data).n,
  }),
});

/** Says that a collection holds these events once each, in chains without gaps, with the running sums right. */
async function expectChains(collection: Collection<Row>, events: readonly Event[]): Promise<void> {
  const rows = await collection.find().sort({ chain: 1, version: 1 }).toArray();
  expect(rows.map(({ _id }) => _id).sort()).toEqual([...new Set(idsOf(events))].sort());
  for (const chain of groupBy(rows, row => row.chain).values()) {
    let sum = 0;
    chain.forEach((row, index) => {
      sum += (row.event.data as Data).n;
      expect(row).toMatchObject({ version: index + 1, sum });
    });
  }
}

test('events get the versions 1 to n of their chain, in their order, and what was calculated up to each', async () => {
  const { chain, collection } = await started();
  const events = [...happenings(3, 'x'), ...[4, 5].map(n => happening(`${n}`, { n, subject: 'y' }))];
  const { appended, heads } = await chain().append(events);
  expect(appended.map(({ _id, chain, version, sum }) => [_id, chain, version, sum])).toEqual([
    ['1', 'x', 1, 1],
    ['2', 'x', 2, 3],
    ['3', 'x', 3, 6],
    ['4', 'y', 1, 4],
    ['5', 'y', 2, 9],
  ]);
  expect((await heads()).map(({ _id }) => _id)).toEqual(['3', '5']);
  await expectChains(collection, events);
});

test('rows are told before they are written, and then how many of them are stored', async () => {
  const { chain, system } = await started();
  const told: unknown[] = [];
  system.mongo.on('commandStarted', ({ commandName }) => commandName === 'insert' && told.push('insert'));
  const writing = (rows: readonly Row[]) => {
    told.push(rows.map(({ _id }) => _id));
    return (stored: number) => void told.push(stored);
  };
  await chain().append(happenings(2), {}, writing);
  // The second one is there already: what follows it is written in a second try.
  await chain().append([happening('3'), happening('2'), happening('4')], {}, writing);
  const inTurn = [['1', '2'], 'insert', 2, ['3', '2', '4'], 'insert', 1, ['4'], 'insert', 1];
  expect(told).toEqual(inTurn);
});

test('an event that is there already changes nothing, in a batch of its own or among new ones', async () => {
  const { chain, collection } = await started();
  const [first, second, third] = happenings(3) as [Event, Event, Event];
  const { append } = chain();
  await append([first, second, first]);
  const again = await append([first]);
  expect(again.appended).toEqual([]);
  expect(await again.heads()).toMatchObject([{ version: 2 }]);
  const { appended } = await append([second, third, first]);
  expect(idsOf(appended.map(({ event }) => event))).toEqual(['3']);
  await expectChains(collection, [first, second, third]);
});

test('the heads of events that somebody else has stored are the newest rows, in every chain of the batch', async () => {
  const { chain } = await started();
  const mine = chain();
  const others = chain();
  await mine.append([
    happening('x1', { subject: 'x' }),
    happening('y1', { subject: 'y' }),
    happening('z1', { subject: 'z' }),
  ]);
  const next = ['x', 'y', 'z'].map(subject => happening(`${subject}2`, { subject }));
  await others.append(next);
  // As after a crash of the other process: the job comes again, to this one.
  const { appended, heads } = await mine.append(next);
  expect(appended).toEqual([]);
  expect((await heads()).map(({ _id }) => _id).sort()).toEqual(['x2', 'y2', 'z2']);
});

test('asked first which are stored, the heads are those that whoever stored them has left: what is cached may be older', async () => {
  const { chain } = await started();
  const here = chain();
  await here.append([happening('1', { subject: 'x' })]);
  await chain().append(['2', '3'].map(id => happening(id, { subject: 'x' })));
  const { appended, heads } = await here.append([happening('2', { subject: 'x' })], { knownFirst: true });
  expect(appended).toEqual([]);
  expect((await heads()).map(({ _id, version }) => [_id, version])).toEqual([['3', 3]]);
});

test('what `next` throws leaves the events from there on unstored', async () => {
  const { chain, collection } = await started();
  const { next } = rules(collection);
  const refusing = chain({
    next(head, event) {
      if (event.id === '2') throw new RangeError('too much');
      return next(head, event);
    },
  });
  await expect(refusing.append(happenings(3))).rejects.toThrow('too much');
  expect(await collection.countDocuments()).toBe(0);
});

test('a cached head is forgotten when somebody else has written, told or not', async () => {
  const { chain, collection } = await started();
  const mine = chain();
  const { next } = rules(collection);
  const [first, second, third, fourth] = happenings(4) as [Event, Event, Event, Event];
  const { heads } = await mine.append([first]);
  const elsewhere = next((await heads())[0], second);
  await collection.insertOne(elsewhere);
  mine.learn([elsewhere]);
  await mine.append([third]);
  await mine.append([fourth]);
  await expectChains(collection, [first, second, third, fourth]);
});

test('when somebody else has had many chains meanwhile, that is found out twice, and not in each of them', async () => {
  const { chain, collection, system } = await started();
  const subjects = Array.from({ length: 30 }, (_, index) => `${index}`);
  const round = (name: string) => subjects.map(subject => happening(`${name} ${subject}`, { subject }));
  const mine = chain();
  const others = chain();
  await mine.append(round('first'));
  await others.append(round('second'));
  let inserts = 0;
  system.mongo.on('commandStarted', ({ commandName }) => {
    if (commandName === 'insert') inserts += 1;
  });
  await mine.append(round('third'));
  expect(inserts).toBe(3);
  await expectChains(collection, ['first', 'second', 'third'].flatMap(round));
});

test('rows that were lost behind its back are not built upon when events are replayed', async () => {
  const { chain, collection } = await started();
  const { append } = chain();
  await append(happenings(5));
  await collection.deleteMany({});
  await append(happenings(5), { replay: true });
  await expectChains(collection, happenings(5));
});

test('an unavailable store is thrown, and trying again stores each event once', async () => {
  const { chain, collection } = await started();
  let answers = 0;
  // What was written is there, but nobody heard of it.
  const deaf = meddledWith(collection, {
    async insertMany(itself, ...args) {
      await itself(...args);
      if (answers++ === 1) throw new Error('connection lost');
    },
  });
  const { append } = chain({ collection: deaf });
  const subjects = ['x', 'y', 'z'];
  await append(subjects.map(subject => happening(`${subject}1`, { subject })));
  const events = subjects.map(subject => happening(`${subject}2`, { subject }));
  await expect(append(events)).rejects.toThrow('connection lost');
  const { heads } = await append(events);
  expect((await heads()).map(({ _id }) => _id)).toEqual(['x2', 'y2', 'z2']);
});

describe('several writers of one collection', () => {
  test('leave no gap, no event twice and no wrong state, however they interleave', async () => {
    const { chain, collection } = await started();
    const events = Array.from({ length: 240 }, (_, index) =>
      happening(`${index}`, { n: index, subject: index % 3 === 0 ? 'x' : 'y' }),
    );
    const writers = Array.from({ length: 4 }, () => chain());
    await Promise.all(
      writers.map(async ({ append }, writer) => {
        // Each writes most of them, in an order and in batches of its own.
        const own = events.filter((_, index) => index % 4 !== writer);
        if (writer % 2 === 1) own.reverse();
        for (let at = 0; at < own.length; at += 7 + writer) await append(own.slice(at, at + 7 + writer));
      }),
    );
    await expectChains(collection, events);
  });

  test('all come to an end, though each batch collides again and again', async () => {
    const { chain, collection } = await started();
    const batches = Array.from({ length: 5 }, (_, writer) =>
      Array.from({ length: 25 }, (_, index) => happening(`${writer}/${index}`, { n: 1 })),
    );
    // An embedded server stores a batch as a whole; a sharded one may interleave them row by row, as here.
    const oneByOne = meddledWith(collection, {
      async insertMany(_, rows) {
        for (const [insertedCount, row] of (rows as Row[]).entries()) {
          await collection.insertOne(row).catch(error => {
            throw Object.assign(error, { insertedCount });
          });
        }
      },
    });
    await Promise.all(
      batches.map(async batch => {
        const { append } = chain({ collection: oneByOne });
        // Whoever is always slower is not to blame, and is tried again.
        for (let isDone = false; !isDone; ) {
          isDone = await append(batch).then(
            () => true,
            error => !isUnavailable(error) && Promise.reject(error),
          );
        }
      }),
    );
    await expectChains(collection, batches.flat());
  });
});

describe('the cost of an event', () => {
  async function commandsFor(length: number) {
    const { system, chain, collection } = await started();
    const rows = Array.from({ length }, (_, index) => ({
      _id: `old ${index}`,
      chain: 'a',
      version: index + 1,
      event: happening(`old ${index}`),
      sum: index + 1,
    }));
    await collection.insertMany(rows);
    const commands: string[] = [];
    system.mongo.on('commandStarted', ({ commandName }) => commands.push(commandName));
    const { append } = chain();
    await append([happening('1')]);
    const cold = commands.splice(0);
    await append([happening('2')]);
    const warm = commands.splice(0);
    const { appended } = await append([happening('3')]);
    expect(appended).toMatchObject([{ version: length + 3, sum: length + 3 }]);
    return { cold, warm };
  }

  test('is the same after 10 rows and after 10,000: one insert, and one find when the head is not cached', async () => {
    const [short, long] = [await commandsFor(10), await commandsFor(10_000)];
    expect(short).toEqual({ cold: ['find', 'insert'], warm: ['insert'] });
    expect(long).toEqual(short);
  });

  test('does not grow with a batch of new events', async () => {
    const { system, chain } = await started();
    const { append } = chain();
    await append(happenings(1));
    const commands: string[] = [];
    system.mongo.on('commandStarted', ({ commandName }) => commands.push(commandName));
    await append(happenings(300));
    // The first is there already: one try that says so, one question which are, and all the rest at once.
    expect(commands).toEqual(['insert', 'find', 'find', 'insert']);
  });
});

test('any re-batching and duplication stores each event once, in versions without gaps', async () => {
  const { chain, collection } = await started();
  const plan = fc.record({
    events: fc.array(fc.record({ n: fc.integer({ min: -9, max: 9 }), subject: fc.constantFrom('x', 'y') }), {
      minLength: 1,
      maxLength: 12,
    }),
    // By index, in batches, each for one of two writers.
    batches: fc.array(fc.record({ writer: fc.nat(1), indexes: fc.array(fc.nat(11), { maxLength: 6 }) }), {
      maxLength: 6,
    }),
    concurrent: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ events: shapes, batches, concurrent }) => {
      await collection.deleteMany({});
      const events = shapes.map((shape, index) => happening(`${index}`, { ...shape, time: TIME }));
      const writers = [chain(), chain()] as const;
      const work = [...batches, { writer: 0, indexes: events.map((_, index) => index) }].map(
        ({ writer, indexes }) =>
          () =>
            (writers[writer] ?? writers[0]).append(indexes.flatMap(index => events[index] ?? [])),
      );
      if (concurrent) await Promise.all(work.map(append => append()));
      else for (const append of work) await append();
      await expectChains(collection, events);
    }),
    { numRuns: 40 },
  );
});
