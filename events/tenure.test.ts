import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  happening,
  happenings,
  ORIGIN,
  type origin,
  type System,
  takeAll,
  until,
  waitingIds,
  watching,
} from './fixture.ts';
import type { OutboxEntry } from './outbox.ts';
import { leaseOf, resting, started, watched } from './relay.fixture.ts';

describe('two relays', () => {
  /** A relay that has begun, and stands still before the step that clears what it has sent. */
  async function paused(system: System, { relay, events, outbox, pending }: Awaited<ReturnType<typeof origin>>) {
    let hold: Promise<void> | undefined;
    let release: () => void = () => undefined;
    let standing = false;
    let isOver = false;
    const { clock, rests } = resting();
    const stale = relay({
      pollMs: 20_000,
      lease: { fence: () => (isOver ? undefined : 1) },
      clock,
      ...watched(system, events, async step => {
        if (step !== 'updateMany' || !hold) return;
        standing = true;
        await hold;
      }),
    });
    await outbox.append(happening('0'));
    stale.wake();
    await until(async () => (await pending()) === 0);
    return {
      /** Lets it find what is pending, send it, leave its mark, and stop there. */
      async intoClearing() {
        hold = new Promise(resolve => {
          release = resolve;
        });
        stale.wake();
        await until(() => standing);
      },
      /** To the end of its turn, if it stands. By then it has heard that it is another's: it makes nothing good. */
      async goOn() {
        if (!standing) return;
        isOver = true;
        const before = rests();
        standing = false;
        hold = undefined;
        release();
        await until(() => rests() > before);
      },
    };
  }

  const tenureOf = (entry: OutboxEntry | null) => Math.floor((entry?.relayed ?? 0) / 1_000_000_000);

  test('one is active: what the holder relays the other leaves alone', async () => {
    const { system, outbox, relay, pending } = await started('a');
    relay({ lease: leaseOf(1) });
    relay({ lease: { fence: () => undefined } });
    await outbox.appendDerived(happenings(30));
    await until(async () => (await pending()) === 0);
    expect((await waitingIds(system, 'a')).length).toBe(30);
  });

  test('the fenced one cannot clear what the new tenure has claimed', async () => {
    const { system, ...source } = await started('a');
    const stale = await paused(system, source);
    await source.outbox.append(happening('1'));
    await stale.intoClearing();
    await source.events.updateMany({ pending: { $exists: true } }, { $set: { fence: 2 } });
    await stale.goOn();
    expect(await source.pending()).toBe(1);
  });

  test('the fenced one cannot put an earlier flush number on what the new tenure has relayed', async () => {
    const { system, ...source } = await started('a');
    const stale = await paused(system, source);
    const { clock, rests } = resting();
    const current = source.relay({ lease: leaseOf(2), pollMs: 60_000, clock });
    // One of what hurries, which there is not; and one after the first turn, which has found nothing.
    await until(() => rests() > 1);
    await source.outbox.append(happening('1'));
    await stale.intoClearing();
    current.wake();
    await until(async () => (await source.pending()) === 0);
    await stale.goOn();
    expect(tenureOf(await source.events.findOne({ _id: '1' }))).toBe(2);
  });

  test('the fenced one cannot clear what was stored after the new tenure began, once Redis has lost it', async () => {
    const { system, ...source } = await started('a');
    const stale = await paused(system, source);
    let begun = false;
    let isStanding = false;
    let goOn: () => void = () => undefined;
    const asked = new Promise<void>(resolve => {
      goOn = resolve;
    });
    source.relay({
      lease: leaseOf(2),
      ...watched(system, source.events, async step => {
        if (begun && step === 'bindings') {
          isStanding = true;
          await asked;
        }
        if (begun && step === 'find') await stale.goOn();
        if (step === 'find') begun = true;
      }),
    });
    // It has found nothing, and is about to look again.
    await until(() => isStanding);
    await source.outbox.append(happening('1'));
    await stale.intoClearing();
    await system.loseRedis();
    goOn();
    await until(async () => (await source.pending()) === 0);
    await until(async () => (await waitingIds(system, 'a')).includes('1'));
  });
});

describe('when Redis loses everything', () => {
  test('it is noticed, and all that was not durably passed is sent again, and nothing that was', async () => {
    const { system, outbox, relay, pending } = await started('a');
    await outbox.appendDerived(happenings(3));
    const active = relay();
    await until(async () => (await pending()) === 0);
    await takeAll(system, 'a');
    const watermark = watching(system, 'a');
    await watermark.observe();

    await outbox.append(happening('4'));
    active.wake();
    await until(async () => (await waitingIds(system, 'a')).includes('4'));
    await until(async () => (await pending()) === 0);
    await system.loseRedis();
    await until(async () => (await waitingIds(system, 'a')).length > 0);
    await delay(150);
    expect(await waitingIds(system, 'a')).toEqual(['4']);
  });

  test('once more, while a loss is made good, what was sent at once meanwhile is sent again', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    let isLost = false;
    const active = relay({
      ...{ pollMs: 60_000, gatherMs: 50 },
      ...watched(system, events, async step => {
        if (step !== 'resetMark' || !isLost) return;
        isLost = false;
        await outbox.append(happening('2'));
        active.wake([happening('2')]);
        await until(async () => (await waitingIds(system, 'a')).includes('2'));
        await system.loseRedis();
      }),
    });
    await until(async () => (await system.transport.marks('a'))[ORIGIN] !== undefined);
    await system.loseRedis();
    isLost = true;
    await outbox.append(happening('1'));
    active.wake();
    await until(async () => (await pending()) === 0 && !isLost);
    expect((await waitingIds(system, 'a')).sort()).toEqual(['1', '2']);
  });

  test('before any step, also of the very first flush, nothing is lost', async () => {
    // More than one turn has; those after it are the same again.
    const { system, outbox, relay, pending, events } = await started('a', 'b');
    for (let loseAt = 0; loseAt < 18; loseAt++) {
      await system.loseRedis();
      await events.deleteMany({});
      await outbox.append(happening('1'));
      const active = relay({
        lease: leaseOf(loseAt + 1),
        pollMs: 20,
        ...watched(system, events, async (_, at) => {
          if (at === loseAt) await system.loseRedis();
        }),
      });
      await until(async () => (await pending()) === 0);
      for (const service of ['a', 'b']) {
        await until(async () => (await waitingIds(system, service)).includes('1')).catch(() => {
          throw new Error(`lost for ${service} when Redis loses everything before step ${loseAt}`);
        });
      }
      await active.stop();
    }
  });

  test('while a watermark looks on and nobody consumes, a second loss finds everything again', async () => {
    const { system, outbox, relay, pending, events } = await started('a');
    const watermark = watching(system, 'a');
    for (let loseAt = 0; loseAt < 16; loseAt++) {
      await system.loseRedis();
      await events.deleteMany({});
      await outbox.append(happening('1'));
      const active = relay({
        pollMs: 20,
        lease: leaseOf(loseAt + 1),
        ...watched(system, events, async (_, at) => {
          await watermark.observe();
          if (at === loseAt) await system.loseRedis();
        }),
      });
      await until(async () => (await pending()) === 0 && (await waitingIds(system, 'a')).length > 0);
      await watermark.observe();
      await system.loseRedis();
      await until(async () => (await waitingIds(system, 'a')).includes('1')).catch(() => {
        throw new Error(`lost when Redis loses everything before step ${loseAt}`);
      });
      await active.stop();
    }
  });

  test('and the relay with it, the next relay notices by what it had relayed', async () => {
    const { system, outbox, relay, pending } = await started('a');
    await outbox.append(happening('1'));
    const first = relay();
    await until(async () => (await pending()) === 0);
    await first.stop();
    await system.loseRedis();
    relay({ lease: leaseOf(2) });
    await until(async () => (await waitingIds(system, 'a')).includes('1'));
  });

  test('down to an older state, as a truncated append-only file does, what came after is sent again', async () => {
    const { system, outbox, relay, pending } = await started('a');
    const active = relay();
    await outbox.append(happening('1'));
    active.wake();
    await until(async () => (await pending()) === 0);
    const { [ORIGIN]: older = 0 } = await system.transport.marks('a');
    await outbox.append(happening('2'));
    active.wake();
    await until(async () => (await waitingIds(system, 'a')).includes('2'));
    await until(async () => (await pending()) === 0);

    const queue = system.transport.queue('a', 0);
    await Promise.all((await queue.getJobs(['waiting'])).filter(({ id }) => id === '2').map(job => job.remove()));
    await system.transport.resetMark('a', ORIGIN, older);
    await until(async () => (await waitingIds(system, 'a')).includes('2'));
  });

  test('for one consumer, the others lose nothing either', async () => {
    const { system, outbox, relay, pending } = await started('a', 'b');
    await outbox.append(happening('1'));
    relay();
    await until(async () => (await pending()) === 0);
    await system.transport.queue('b', 0).obliterate({ force: true });
    await system.transport.redis.del(`${system.prefix}:{b}:marks`);
    await until(async () => (await waitingIds(system, 'b')).includes('1'));
    expect(await waitingIds(system, 'a')).toContain('1');
  });
});

test('a new binding gets everything from the start', async () => {
  const { system, outbox, relay, pending } = await started('a');
  await outbox.appendDerived(happenings(5));
  relay();
  await until(async () => (await pending()) === 0);
  await system.bind('late');
  await until(async () => (await waitingIds(system, 'late')).length > 0);
  expect((await waitingIds(system, 'late')).sort()).toEqual(['1', '2', '3', '4', '5']);
});
