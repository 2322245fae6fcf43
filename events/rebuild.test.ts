import type { Document } from 'mongodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RebuildWish } from './binding.ts';
import { connected, createSystem, happening, silent, until, useServers } from './fixture.ts';
import { createGenerations, type GenerationState } from './generation.ts';
import type { OutboxEntry } from './outbox.ts';
import { type Derived, type Generation, startRebuilder } from './rebuild.ts';

const urls = useServers();

/** A service with one derived collection, whose rebuilder runs. */
async function started({ derived = { rows: { subject: 'account' } } }: { derived?: Record<string, Derived> } = {}) {
  const system = createSystem(urls);
  await connected(system.transport);
  await system.bind('a', { rebuildable: true });
  const { bindings, feed, clock } = system;
  const state = system.collection<GenerationState>('a', 'generations');
  const generations = createGenerations({ collection: state, holder: 'me', clock, onChange: () => undefined });
  const rows = (number: number) => system.collection<Document & { _id: string }>('a', `rows-${number}`);
  const outbox = (number: number) => system.collection<OutboxEntry>('a', `events-${number}`);
  let beforeHold: () => Promise<unknown> = async () => undefined;
  let isSlow = false;
  let refused = 0;
  let adopt: Generation['adopt'] = async () => new Map();
  const rebuilder = startRebuilder({
    ...{ service: 'a', derived, lease: { fence: () => 1 }, log: silent },
    ...{ bindings, feed, clock },
    generations: {
      ...generations,
      async change(from, to) {
        if (to.hold) await beforeHold();
        return generations.change(from, to);
      },
      async settled(...how) {
        if (isSlow) refused += 1;
        return !isSlow && generations.settled(...how);
      },
    },
    generationOf: number =>
      ({
        number,
        collection: (name: string) => system.collection('a', `${name}-${number}`),
        events: outbox(number),
        rules: [],
        adopt: subject => adopt(subject),
      }) as Generation,
    createIndexes: async () => undefined,
  });
  onTestFinished(() => rebuilder.stop());
  return {
    rows,
    outbox,
    setBeforeHold(how: typeof beforeHold) {
      beforeHold = how;
    },
    state: () => state.findOne(),
    refused: () => refused,
    rebuilt: async () => (await bindings.find('a'))?.rebuilt,
    /** As if the last step had been another one: whether one is taken again shows. */
    forgetStep: (id: string) => bindings.taken('a', { id, step: 'COMPARE', differences: 0, subjects: [], error: null }),
    setAdopt(how: Generation['adopt']) {
      adopt = how;
    },
    setSlow(slow: boolean) {
      isSlow = slow;
    },
    async wish(step: RebuildWish['step'], { id = 'one', subject = null }: Partial<RebuildWish> = {}) {
      await bindings.wish('a', { id, step, subject });
      rebuilder.wake();
    },
    taken: (step: string, id = 'one') =>
      until(async () => {
        const rebuilt = (await bindings.find('a'))?.rebuilt;
        return rebuilt?.step === step && rebuilt.id === id;
      }),
  };
}

test('a copy that nobody wants any more is dropped, also where that was cut short before every process knew', async () => {
  const { rows, state, refused, setSlow, wish, taken } = await started();
  await wish('BUILD');
  await taken('BUILD');
  await rows(2).insertOne({ _id: 'x1', account: 'x' });
  setSlow(true);
  await wish('DROP');
  await until(() => refused() > 0);
  setSlow(false);
  await taken('DROP');
  expect(await rows(2).countDocuments()).toBe(0);
  expect(await state()).toMatchObject({ active: 1, building: null, rebuild: null });
});

test('what was served before stays for a way back of all, when there was one of a single subject', async () => {
  const { rows, state, wish, taken } = await started();
  await rows(1).insertOne({ _id: 'x1', account: 'x', version: 1 });
  for (const step of ['BUILD', 'SWAP'] as const) {
    await wish(step);
    await taken(step);
  }
  const back = { id: 'back', subject: 'x' };
  for (const step of ['RETURN', 'SWAP', 'DROP'] as const) {
    await wish(step, back);
    await taken(step, back.id);
  }
  expect(await state()).toMatchObject({ active: 2, previous: 1, building: null });
  expect(await rows(2).countDocuments()).toBe(1);
  expect(await rows(1).countDocuments()).toBe(1);
});

test('a way back is kept by whoever tries it and leaves it', async () => {
  const { rows, state, wish, taken } = await started();
  await rows(1).insertOne({ _id: 'x1', account: 'x', version: 1 });
  const steps = [
    ['BUILD', 'one'],
    ['SWAP', 'one'],
    ['RETURN', 'back'],
    ['SWAP', 'back'],
  ] as const;
  for (const [step, id] of steps) {
    await wish(step, { id });
    await taken(step, id);
  }
  await rows(2).insertOne({ _id: 'x2', account: 'x', version: 1 });
  for (const step of ['RETURN', 'DROP'] as const) {
    await wish(step, { id: 'again' });
    await taken(step, 'again');
  }
  expect(await state()).toMatchObject({ active: 1, previous: 2, building: null });
  expect(await rows(2).countDocuments()).toBe(1);
});

test('a swap that is asked for again, for nobody heard of it, says the same', async () => {
  const { rows, state, wish, taken, rebuilt, forgetStep } = await started();
  await wish('BUILD');
  await taken('BUILD');
  await rows(2).insertOne({ _id: 'x1', account: 'x', version: 1 });
  await wish('SWAP');
  await taken('SWAP');
  const said = await rebuilt();
  expect(said).toMatchObject({ differences: 1, subjects: ['x'], error: null });
  const before = await state();
  await forgetStep('one');
  await wish('SWAP');
  await taken('SWAP');
  expect(await rebuilt()).toMatchObject(said ?? {});
  expect(await state()).toMatchObject({ active: before?.active, previous: before?.previous });
});

test('nothing stands still because of a swap that fails', async () => {
  const { state, wish, taken, rebuilt, setAdopt } = await started();
  await wish('BUILD');
  await taken('BUILD');
  setAdopt(async () => {
    throw new TypeError('it cannot be adopted');
  });
  await wish('SWAP');
  await taken('SWAP');
  expect((await rebuilt())?.error).toContain('it cannot be adopted');
  expect(await state()).toMatchObject({ active: 1, hold: false });
});

test('what is mended in place is void in the memory of those who serve it', async () => {
  const { rows, state, wish, taken } = await started();
  await rows(1).insertOne({ _id: 'x1', account: 'x', version: 1, n: 9 });
  await wish('BUILD');
  await taken('BUILD');
  await rows(2).insertOne({ _id: 'x1', account: 'x', version: 1, n: 1 });
  await wish('MEND');
  await taken('MEND');
  expect(await rows(1).findOne({ _id: 'x1' })).toMatchObject({ n: 1 });
  expect(await state()).toMatchObject({ active: 1, restarts: 1, building: null, hold: false });
});

test('what is stored until everything stands still is published from the copy, and what was published is marked there', async () => {
  const { outbox, wish, taken, setBeforeHold } = await started({ derived: { events: { subject: 'subject' } } });
  const entry = (id: string, marks: Partial<OutboxEntry>): OutboxEntry => ({ _id: id, event: happening(id), ...marks });
  await outbox(1).insertMany([entry('early', { pending: 1 }), entry('published', { relayed: 5, fence: 1 })]);
  await wish('BUILD');
  await taken('BUILD');
  // Both after what there was has been carried over.
  setBeforeHold(async () => {
    await outbox(1).insertOne(entry('late', { pending: 2 }));
    await outbox(1).updateOne({ _id: 'early' }, { $unset: { pending: '' }, $set: { relayed: 6, fence: 1 } });
  });
  await wish('SWAP');
  await taken('SWAP');
  const copied = await outbox(2)
    .find({}, { projection: { event: 0 } })
    .sort({ _id: 1 })
    .toArray();
  expect(copied).toEqual([
    { _id: 'early', relayed: 6, fence: 1 },
    { _id: 'late', pending: 2 },
    { _id: 'published', relayed: 5, fence: 1 },
  ]);
});

describe('what is mended in place', () => {
  type Rows = (Document & { _id: string })[];
  const row = (_id: string, account: string, more: object = {}) => ({ _id, account, ...more });

  test.each<[string, Rows, Rows, string[]]>([
    [
      'was moved to another subject',
      [row('x1', 'x', { version: 1 }), row('x2', 'y', { version: 9 })],
      [row('x1', 'x', { version: 1 }), row('x2', 'x', { version: 2 })],
      ['x', 'y'],
    ],
    ['is one too many, and has no version', [row('x1', 'x'), row('bogus', 'x')], [row('x1', 'x')], ['x']],
    ['is missing', [row('x1', 'x')], [row('x1', 'x'), row('x2', 'x')], ['x']],
  ])('is right at once where a row %s', async (_, served, right, subjects) => {
    const { rows, wish, taken, rebuilt } = await started();
    await rows(1).insertMany(served);
    await wish('BUILD');
    await taken('BUILD');
    await rows(2).insertMany(right);
    await wish('MEND');
    await taken('MEND');
    expect(await rows(1).find().sort({ _id: 1 }).toArray()).toEqual(right);
    expect([...((await rebuilt())?.subjects ?? [])].sort()).toEqual(subjects);
  });
});
