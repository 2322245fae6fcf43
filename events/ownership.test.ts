import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from './clock.ts';
import { connected, consuming, createSystem, happening, type System, silent, until, useServers } from './fixture.ts';
import { type OwnershipOptions, startOwnership } from './ownership.ts';

const urls = useServers();
const BEAT_MS = 1_000;

async function started() {
  const system = createSystem(urls);
  await connected(system.transport);
  return system;
}

/** A process of a service; stopped with the test. */
function member({ transport, feed, clock }: System, name: string, options: Partial<OwnershipOptions> = {}) {
  let owned: readonly number[] = [];
  const ownership = startOwnership({
    ...{ service: 'a', limit: 8, member: name, transport, feed, clock, log: silent },
    attend(partitions) {
      owned = partitions;
    },
    ...options,
  });
  const heard = feed.watch('members/a');
  void (async () => {
    for await (const _ of heard) ownership.wake();
  })();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    void heard.return?.();
    stopping ??= ownership.stop();
    return stopping;
  };
  onTestFinished(stop);
  return { name, owned: () => owned, stop };
}

const together = (members: readonly ReturnType<typeof member>[]) =>
  members.flatMap(({ owned }) => owned()).sort((one, other) => one - other);

test('one that is alone has the only queue there is; each that comes takes one more, and nobody two', async () => {
  const system = await started();
  const members: ReturnType<typeof member>[] = [];
  for (let count = 1; count <= 4; count++) {
    members.push(member(system, randomUUID()));
    const wanted = members.map((_, index) => index);
    await until(() => together(members).join() === wanted.join());
    expect(members.map(({ owned }) => owned().length)).toEqual(members.map(() => 1));
    // Those who came first stay where they were.
    expect(members.map(({ owned }) => owned()[0])).toEqual(wanted);
  }
});

test('what one had that leaves in order is somebody else’s at once', async () => {
  const system = await started();
  let resting = 0;
  // Whoever has seen for a while that nothing changes looks again only when he is told to.
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => {
      if (ms < BEAT_MS) return systemClock.sleep(ms, signal);
      resting += 1;
      return new Promise<void>(resolve => {
        if (signal?.aborted) return resolve();
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }).finally(() => {
        resting -= 1;
      });
    },
  };
  const [first, second, third] = ['x', 'y', 'z'].map(name => member(system, name, { clock }));
  if (!first || !second || !third) throw new Error('three were started');
  await until(() => resting === 3);
  expect(together([first, second, third])).toEqual([0, 1, 2]);
  await first.stop();
  await until(() => together([second, third]).join() === '0,1');
});

test('what one had that is gone without a word is somebody else’s within 5 s', async () => {
  const system = await started();
  await system.transport.announce('a', 'killed');
  // How long it means to wait between its looks; on a busy machine each takes longer.
  let waitedMs = 0;
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      waitedMs += ms;
      return systemClock.sleep(ms, signal);
    },
  };
  const rest = member(system, 'rest', { clock });
  await until(() => rest.owned().join() === '1');
  await until(() => rest.owned().join() === '0');
  expect(waitedMs).toBeLessThan(5_000);
});

test('more processes than there may be queues leave some with none, which take over when others leave', async () => {
  const system = await started();
  const [first, second] = ['x', 'y'].map(name => member(system, name, { limit: 1 }));
  if (!first || !second) throw new Error('two were started');
  await until(() => together([first, second]).join() === '0');
  const [owner, other] = first.owned().length === 1 ? [first, second] : [second, first];
  await owner.stop();
  await until(() => other.owned().join() === '0');
});

test('jobs in a queue that nobody sends to any more are worked off, and the queue is left then', async () => {
  const system = await started();
  await system.transport.send([{ service: 'a', partition: 5, source: 'b', events: [happening('1')] }]);
  const seen: unknown[] = [];
  const consumer = consuming(system, 'a', {
    rules: [{ on: 'everything', handle: async events => void seen.push(...events) }],
  });
  member(system, 'x', { attend: consumer.attend });
  await until(() => seen.length === 1);
  await until(() => consumer.attended().join() === '0');
});

test('all that Redis knew is lost: those who are there say so again, and own everything, each a part', async () => {
  const system = await started();
  const members = ['x', 'y', 'z'].map(name => member(system, name));
  await until(() => together(members).join() === '0,1,2');
  await system.loseRedis();
  await delay(100);
  await until(async () => (await system.transport.look('a')).members.length === 3);
  await until(() => together(members).join() === '0,1,2');
});

test('being there does not wait for what is made of what was seen', async () => {
  const system = await started();
  let looks = 0;
  member(system, 'x', {
    onSeen: () => {
      looks += 1;
      return new Promise(() => undefined);
    },
  });
  await delay(3_500);
  expect(looks).toBe(1);
  expect((await system.transport.look('a')).members).toEqual(['x']);
});
