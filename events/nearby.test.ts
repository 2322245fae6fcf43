import { describe, expect, test } from 'vitest';
import { connected, createSystem, happening, until, useServers, waitingIds } from './fixture.ts';
import { onlyNearby, withNearby } from './nearby.ts';
import type { Delivered, Letter } from './transport.ts';

const urls = useServers();

const letterOf = (...ids: string[]): Letter => ({
  ...{ service: 'a', partition: 0, source: 'b' },
  events: ids.map(id => happening(id)),
});

/** A consumer of one queue, and how its jobs end. */
async function consuming({ partition = 0, concurrency = 32, near = withNearby } = {}) {
  const system = createSystem(urls);
  await connected(system.transport);
  const transport = near(system.transport);
  const taken: { job: Delivered; finish(): void; refuse(): void }[] = [];
  const worker = transport.work({
    ...{ service: 'a', partition, concurrency },
    handle: job =>
      new Promise((finish, reject) => taken.push({ job, finish, refuse: () => reject(new Error('not now')) })),
  });
  return { system, transport, taken, worker };
}

test('a letter is handed to the consumer of its queue, and nothing of it goes to Redis', async () => {
  const { system, transport, taken } = await consuming();
  const letter = letterOf('1', '2');
  const handled = transport.hand(letter);
  expect(taken.map(({ job }) => job)).toEqual([{ id: '', deaths: 0, data: { source: 'b', events: letter.events } }]);
  taken[0]?.finish();
  expect(await handled).toBe(true);
  expect(await waitingIds(system, 'a')).toEqual([]);
});

test('whoever gets it gets what the queue would bring: a copy, without what has no value', async () => {
  const { transport, taken } = await consuming();
  const event = { ...happening('1'), nothing: undefined };
  void transport.hand({ ...letterOf(), events: [event] });
  const [got] = taken[0]?.job.data.events ?? [];
  expect(got).toEqual(happening('1'));
  expect(got).not.toBe(event);
  expect(Object.keys(got as object)).not.toContain('nothing');
});

test('what the consumer refuses has not been handled', async () => {
  const { transport, taken } = await consuming();
  const handled = transport.hand(letterOf('1'));
  taken[0]?.refuse();
  expect(await handled).toBe(false);
});

test('a queue that nobody here takes from is handed nothing', async () => {
  const { transport } = await consuming({ partition: 3 });
  expect(transport.hand(letterOf('1'))).toBeUndefined();
  expect(transport.hand({ ...letterOf('1'), service: 'other', partition: 3 })).toBeUndefined();
});

test('who has as many at hand as it takes at a time is handed no more until one is over', async () => {
  const { transport, taken } = await consuming({ concurrency: 2 });
  const first = transport.hand(letterOf('1'));
  void transport.hand(letterOf('2'));
  expect(transport.hand(letterOf('3'))).toBeUndefined();
  taken[0]?.finish();
  await first;
  expect(transport.hand(letterOf('3'))).toBeDefined();
});

test('who leaves a queue is handed no more, and has left when what is at hand is over', async () => {
  const { transport, taken, worker } = await consuming();
  void transport.hand(letterOf('1'));
  let hasLeft = false;
  const leaving = worker.close().then(() => {
    hasLeft = true;
  });
  expect(transport.hand(letterOf('2'))).toBeUndefined();
  // A worker without jobs has closed long before.
  await consumed(transport);
  expect(hasLeft).toBe(false);
  taken[0]?.finish();
  await leaving;
});

test('a queue that is paused is handed nothing past it, once its owner has looked, until it goes on', async () => {
  const { transport, taken } = await consuming();
  const queue = transport.queue('a', 0);
  await queue.pause();
  await transport.announce('a', 'process');
  expect(transport.hand(letterOf('1'))).toBeUndefined();
  await queue.resume();
  await transport.announce('a', 'process');
  void transport.hand(letterOf('1'));
  await until(() => taken.length === 1);
});

test('what its sender has given away is not copied', async () => {
  const { transport, taken } = await consuming();
  const event = happening('1');
  void transport.hand({ ...letterOf(), events: [event] }, { isGivenAway: true });
  expect(taken[0]?.job.data.events[0]).toBe(event);
});

describe('in a second thread', () => {
  test('consumers take what is handed to them, and nothing from their queues', async () => {
    const { system, transport, taken } = await consuming({ near: onlyNearby });
    await transport.send([letterOf('queued')]);
    void transport.hand(letterOf('handed'), { jobId: 'a job' });
    await consumed(transport);
    expect(taken.map(({ job: { id, data } }) => [id, data.events])).toEqual([['a job', letterOf('handed').events]]);
    expect(await waitingIds(system, 'a')).toEqual(['queued']);
  });

  test('a queue that is paused is handed nothing past it, and nobody takes its looking for a process that shares the work', async () => {
    const { transport } = await consuming({ near: onlyNearby });
    await transport.queue('a', 0).pause();
    expect((await transport.look('a')).members).toEqual([]);
    expect(transport.hand(letterOf('1'))).toBeUndefined();
    await transport.queue('a', 0).resume();
    await transport.look('a');
    expect(transport.hand(letterOf('1'))).toBeDefined();
  });
});

/** As long as it takes Redis to answer a few times. */
async function consumed(transport: { marks(service: string): Promise<unknown> }): Promise<void> {
  for (let n = 0; n < 20; n++) await transport.marks('a');
}
