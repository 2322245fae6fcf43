import { expect, test } from 'vitest';
import { createSystem, fakeClock, until, useServers } from './fixture.ts';
import { createGenerations, type GenerationState } from './generation.ts';

const urls = useServers();
const never = new AbortController().signal;

/** Processes of one service, and what each was told last. */
function processes(...names: string[]) {
  const system = createSystem(urls);
  const clock = fakeClock();
  const collection = system.collection<GenerationState>('a', 'generations');
  return {
    clock,
    collection,
    each: names.map(holder => {
      const told: GenerationState[] = [];
      return { told, ...createGenerations({ collection, holder, clock, onChange: state => told.push(state) }) };
    }) as [Process, Process],
  };
}
type Process = ReturnType<typeof createGenerations> & { told: GenerationState[] };

/** Work that lasts until it is ended. */
function lasting() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>(resolve => {
    end = resolve;
  });
  return { end: () => end(), work: () => ended };
}

test('a change is settled when every process goes by it', async () => {
  const { each, clock } = processes('p.1', 'p.2');
  const [one, two] = each;
  await Promise.all([one.tick(), two.tick()]);
  await one.change(one.known(), { building: 2, made: 2, rebuild: 'r' });
  expect(two.known().building).toBeNull();
  const settling = one.settled(1_000, never);
  // It has looked, and waits for the other.
  await clock.asleep(1);
  await two.tick();
  await clock.pass(20);
  expect(await settling).toBe(true);
  expect(two.told.at(-1)).toMatchObject({ building: 2, rebuild: 'r' });
});

test('a process that is gone is waited for until it must look before it handles anything, and then forgotten', async () => {
  const { each, clock, collection } = processes('one', 'gone');
  const [one, gone] = each;
  await Promise.all([one.tick(), gone.tick()]);
  await one.change(one.known(), { hold: true });
  const startedMs = clock.monotonic();
  let waiting = true;
  const settling = one.settled(60_000, never).finally(() => {
    waiting = false;
  });
  while (waiting) {
    await Promise.race([settling, clock.asleep(1)]);
    await clock.pass(500);
  }
  expect(await settling).toBe(true);
  expect(clock.monotonic() - startedMs).toBeGreaterThanOrEqual(5_000);
  const state = await collection.findOne();
  expect(Object.keys(state?.processes ?? {})).toEqual(['one']);
  // When it comes back, it looks first.
  let handled = false;
  const handling = gone.gate(async () => {
    handled = true;
  });
  await clock.pass(10);
  expect(handled).toBe(false);
  await one.change(one.known(), { hold: false });
  await gone.tick();
  await handling;
  expect(handled).toBe(true);
});

test('a hold waits for what is at hand, lets nothing begin, and lets everything go on when it ends', async () => {
  const { each } = processes('one', 'two');
  const [one] = each;
  await one.tick();
  const { work, end } = lasting();
  const before = one.gate(work);
  await one.change(one.known(), { hold: true });
  expect(await one.settled(0, never)).toBe(false);
  let begun = false;
  const during = one.gate(async () => {
    begun = true;
  });
  end();
  await before;
  await until(() => one.settled(0, never));
  expect(begun).toBe(false);
  await one.change(one.known(), { hold: false, active: 2 });
  await during;
  expect(begun).toBe(true);
  expect(one.told.at(-1)).toMatchObject({ active: 2, hold: false });
});

test('of two that change the state at the same time one is told that it was too late', async () => {
  const { each } = processes('one', 'two');
  const [one, two] = each;
  const state = await one.tick();
  await one.change(state, { made: 2 });
  await expect(two.change(state, { made: 3 })).rejects.toThrow('changed by somebody else');
  expect((await two.tick()).made).toBe(2);
});
