import { describe, expect, test } from 'vitest';
import type { Clock } from '../../events/clock.ts';
import { happening, until } from '../../events/fixture.ts';
import { createFlows } from './flows.ts';

/** Processes of a lake that hear each other, on a clock that a test moves. */
function lakes(count: number) {
  let ms = 0;
  const listeners: ((message: never) => void)[] = [];
  const published: unknown[] = [];
  const waiting: (() => void)[] = [];
  const clock: Clock = {
    now: () => ms,
    monotonic: () => ms,
    sleep: () => new Promise(resolve => waiting.push(resolve)),
  };
  const feed = {
    publish: async (messages: readonly { message: unknown }[]) => {
      for (const { message } of messages) {
        published.push(message);
        for (const listener of listeners) listener(message as never);
      }
    },
    listen: <Message>(_: string, handle: (message: Message) => void) => {
      listeners.push(handle);
      return () => undefined;
    },
  };
  const made = Array.from({ length: count }, (_, index) =>
    createFlows({ feed, clock, ids: { next: () => `lake ${index}` } }),
  );
  for (const flows of made) flows.listen();
  return {
    made,
    published,
    pass: (seconds: number) => {
      ms += seconds * 1_000;
    },
    /** Lets what waits for the next second go on. */
    share: async () => {
      const before = published.length;
      for (const go of waiting.splice(0)) go();
      await until(() => published.length > before);
    },
  };
}

const events = (count: number, source = '/account') =>
  Array.from({ length: count }, (_, index) => happening(`${source}${index}`, { source }));

describe('flows', () => {
  test('are counted by source and type, the busiest first, over ten seconds and a minute', () => {
    const { made, pass } = lakes(1);
    made[0]?.count([...events(50), ...events(100, '/balance')]);
    pass(1);
    expect(made[0]?.current()).toEqual([
      { source: '/balance', type: 'happened', eventsPerSecond: 10, eventsLastMinute: 100 },
      { source: '/account', type: 'happened', eventsPerSecond: 5, eventsLastMinute: 50 },
    ]);
    pass(20);
    expect(made[0]?.current()[0]).toMatchObject({ eventsPerSecond: 0, eventsLastMinute: 100 });
    pass(60);
    expect(made[0]?.current()).toEqual([]);
  });

  test('are shared by all processes of the lake: each event counts once in each', async () => {
    const { made, pass, share, published } = lakes(3);
    made[0]?.count(events(4));
    made[0]?.count(events(3));
    made[1]?.count(events(5));
    await share();
    pass(1);
    for (const flows of made) expect(flows.current()).toMatchObject([{ eventsLastMinute: 12 }]);
    // One message a second of each that has stored something, however many events there were.
    expect(published).toHaveLength(2);
  });

  test('of more kinds than anybody can look at stay bounded, and make room when they are over', () => {
    const { made, pass } = lakes(1);
    made[0]?.count(Array.from({ length: 300 }, (_, index) => happening('1', { source: `/s${index}` })));
    pass(1);
    expect(made[0]?.current()).toHaveLength(200);
    pass(61);
    made[0]?.count(events(1, '/new'));
    pass(1);
    expect(made[0]?.current()).toMatchObject([{ source: '/new' }]);
  });
});
