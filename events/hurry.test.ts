import { describe, expect, onTestFinished, test } from 'vitest';
import type { Event } from './event.ts';
import { fakeClock, happening, idsOf, silent } from './fixture.ts';
import { startHurry } from './hurry.ts';
import { lettersFor } from './letters.ts';
import type { Tenure } from './tenure.ts';

describe('what is stored soon after something that hurried', () => {
  /** @returns what is sent together. */
  async function sentBy(utilization: number, everyMs: number, count: number): Promise<string[][]> {
    const clock = fakeClock();
    const sent: string[][] = [];
    const binding = { _id: 'a', consumes: ['*'], emits: [], replayedFirst: [], partitions: 1 };
    const tenure = {
      ...{ bindings: [binding], members: new Map(), dueMs: undefined },
      ...{
        gathered: new Map<string, Event>(),
        hurried: new Map(),
        sending: new Set<string>(),
        found: new Set<string>(),
      },
    };
    const hurry = startHurry({
      tenure: () => tenure,
      sender: {
        lettersFor: ({ bindings }: Pick<Tenure, 'bindings'>, events: readonly Event[]) =>
          lettersFor('origin', events, bindings, 100),
        async hand({ relay = [] }) {
          sent.push(idsOf(relay));
          return 1;
        },
      },
      ...{ gatheredMax: 1_000, gatherMs: 100, onGathered: () => undefined },
      ...{ utilization: () => utilization, clock, log: silent },
    });
    onTestFinished(() => hurry.stop());
    for (let index = 0; index < count; index++) {
      hurry.send([happening(`${index + 1}`)]);
      for (let ms = 0; ms < everyMs; ms++) await clock.pass(1);
    }
    await clock.pass(1_000);
    return sent;
  }

  test('goes at once as long as the process has time to spare', async () => {
    expect(await sentBy(0.5, 10, 4)).toEqual([['1'], ['2'], ['3'], ['4']]);
  });

  test('goes together with what comes within 5 ms', async () => {
    expect(await sentBy(0.5, 2, 5)).toEqual([['1'], ['2', '3'], ['4', '5']]);
  });

  test('goes together with what comes within 40 ms when the process is busy; the first one never waits', async () => {
    expect(await sentBy(1, 10, 6)).toEqual([['1'], ['2', '3', '4', '5'], ['6']]);
  });

  test('goes together with less, the less busy the process is', async () => {
    expect(await sentBy(0.7, 10, 6)).toEqual([['1'], ['2', '3'], ['4', '5'], ['6']]);
  });
});
