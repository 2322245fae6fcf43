import type { Document } from 'mongodb';
import { expect, onTestFinished, test } from 'vitest';
import type { RebuildWish } from './binding.ts';
import { connected, createSystem, silent, until, useServers } from './fixture.ts';
import { createGenerations, type GenerationState } from './generation.ts';
import { type Generation, startRebuilder } from './rebuild.ts';

const urls = useServers();

/** A service with one derived collection, whose rebuilder runs. */
async function started() {
  const system = createSystem(urls);
  await connected(system.transport);
  await system.bind('a', { rebuildable: true });
  const { bindings, feed, clock } = system;
  const state = system.collection<GenerationState>('a', 'generations');
  const generations = createGenerations({ collection: state, holder: 'me', clock, onChange: () => undefined });
  const rows = (number: number) => system.collection<Document & { _id: string }>('a', `rows-${number}`);
  let isSlow = false;
  let refused = 0;
  const rebuilder = startRebuilder({
    ...{ service: 'a', derived: { rows: { subject: 'account' } }, lease: { fence: () => 1 }, log: silent },
    ...{ bindings, feed, clock },
    generations: {
      ...generations,
      async settled(...how) {
        if (isSlow) refused += 1;
        return !isSlow && generations.settled(...how);
      },
    },
    generationOf: number =>
      ({
        number,
        collection: (name: string) => system.collection('a', `${name}-${number}`),
        events: system.collection('a', 'events'),
        rules: [],
        adopt: async () => new Map(),
      }) as Generation,
    createIndexes: async () => undefined,
  });
  onTestFinished(() => rebuilder.stop());
  return {
    rows,
    state: () => state.findOne(),
    refused: () => refused,
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
