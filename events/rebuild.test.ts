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
  const rows = (number: number) => system.collection<Document>('a', `rows-${number}`);
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
    setSlow: (slow: boolean) => void (isSlow = slow),
    async wish(step: RebuildWish['step']) {
      await bindings.wish('a', { id: 'one', step, subject: null });
      rebuilder.wake();
    },
    taken: (step: string) => until(async () => (await bindings.find('a'))?.rebuilt?.step === step),
  };
}

test('a copy that nobody wants any more is dropped, also where that was cut short before every process knew', async () => {
  const { rows, state, refused, setSlow, wish, taken } = await started();
  await wish('BUILD');
  await taken('BUILD');
  await rows(2).insertOne({ account: 'x' });
  setSlow(true);
  await wish('DROP');
  await until(() => refused() > 0);
  setSlow(false);
  await taken('DROP');
  expect(await rows(2).countDocuments()).toBe(0);
  expect(await state()).toMatchObject({ active: 1, building: null, rebuild: null });
});
