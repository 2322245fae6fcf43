import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../events/clock.ts';
import { fakeClock, silent, until, waitingJobs } from '../../events/fixture.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { counted } from './replay.fixture.ts';
import { startReplayer } from './replayer.ts';

describe('a replay', () => {
  test('goes on where it was after the replayer stopped in the middle', async () => {
    const { replayer, runService, request, completed, replays, state } = await counted(900);
    const before = await state();
    runService();
    const first = replayer();
    const { _id } = await request({ ratePerSecond: 200 });
    first.wake();
    await until(async () => (await replays.find(_id)).applied > 0);
    await first.stop();
    const { applied, position } = await replays.find(_id);
    expect(applied).toBeLessThan(900);
    expect(position).toBeGreaterThan(0);
    await replays.rows.updateOne({ _id }, { $set: { ratePerSecond: null } });
    replayer({ lease: { fence: () => 2 } });
    await completed(_id);
    expect(await replays.find(_id)).toMatchObject({ applied: 900, total: 900 });
    expect(await state()).toBe(before);
  });

  test('is worked on by the holder of the lease alone', async () => {
    const { replayer, request, replays } = await counted(5);
    replayer({ lease: { fence: () => undefined } });
    const { _id } = await request();
    await delay(150);
    expect(await replays.find(_id)).toMatchObject({ status: 'PLANNED' });
  });

  test('that cannot be worked at is tried again in a moment, not at once', async () => {
    const { system, replays, request } = await counted(1);
    await request();
    let tries = 0;
    const replaying = async () => {
      tries += 1;
      throw new Error('the second thread ended');
    };
    const clock = fakeClock();
    const replayer = startReplayer({
      ...{ replays, bindings: system.bindings, clock, replaying },
      lease: { fence: () => 1 },
      log: silent,
    });
    onTestFinished(() => replayer.stop());
    // One sleeps until it tries again, one until it looks again.
    await clock.asleep(2);
    expect(tries).toBe(1);
    await clock.pass(1_000);
    await until(() => tries > 1);
  });

  test('that was begun under one lease ends with it, also when the next one is held at once', async () => {
    const { system, replays, request } = await counted(1);
    await request();
    let fence = 1;
    const worked: { fence: number; signal: AbortSignal; end: () => void }[] = [];
    const replayer = startReplayer({
      ...{ replays, bindings: system.bindings, clock: systemClock, log: silent },
      lease: { fence: () => fence },
      replaying(_, held, signal) {
        return new Promise(end => {
          worked.push({ fence: held, signal, end });
          signal.addEventListener('abort', () => end());
        });
      },
    });
    onTestFinished(async () => {
      for (const { end } of worked) end();
      await replayer.stop();
    });
    await until(() => worked.length === 1);
    expect(worked[0]?.signal.aborted).toBe(false);
    fence = 2;
    replayer.wake();
    await until(() => worked.length === 2);
    expect(worked.map(({ fence, signal }) => [fence, signal.aborted])).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  test('waits for the one before it into the same service', async () => {
    const { system, replayer, request } = await counted(20);
    const first = await request();
    await request();
    replayer();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    await delay(150);
    expect((await waitingJobs(system, 'reporting')).map(({ replay }) => replay)).toEqual([first._id]);
  });
});

describe('a service that takes nothing', () => {
  test('is left alone once its replay is cancelled, and the next replay has its turn', async () => {
    const { system, replayer, request, replays } = await counted(20);
    const active = replayer();
    const first = await request();
    await until(async () => (await waitingJobs(system, 'reporting')).length > 0);
    expect(await replays.cancel(first._id)).toMatchObject({ status: 'CANCELLED' });
    const next = await request();
    active.wake();
    await until(async () => (await replays.find(next._id)).status === 'RUNNING');
  });
});

test('while Redis is away the replayer waits, and does not hammer the database', async () => {
  const { system, replayer, request, replays } = await counted(5);
  let sends = 0;
  const away = async () => {
    sends++;
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  };
  const active = replayer({ transport: { ...system.transport, send: away } });
  const { _id } = await request();
  active.wake();
  await until(() => sends > 0);
  await delay(500);
  expect(sends).toBeLessThan(4);
  expect(await replays.find(_id)).toMatchObject({ status: 'RUNNING', error: null });
});

test('the next rebuild begins when the service has dropped what one that was cancelled has left, not before', async () => {
  const { system, replayer, request, replays } = await counted(20);
  await system.bind('reporting', { consumes: [deposited.type], rebuildable: true });
  const active = replayer();
  const wished = async () => (await system.bindings.find('reporting'))?.rebuild;
  const first = await request({ mode: 'REBUILD' });
  await until(async () => (await wished())?.id === first._id);
  const next = await request({ mode: 'REBUILD' });
  await replays.cancel(first._id);
  await until(async () => {
    active.wake();
    return (await wished())?.step !== 'BUILD' || (await wished())?.id === next._id;
  });
  await delay(300);
  expect(await wished()).toMatchObject({ id: first._id, step: 'DROP' });
  expect(await replays.find(next._id)).toMatchObject({ status: 'PLANNED' });
  const dropped = { differences: 0, subjects: [], error: null };
  await system.bindings.taken('reporting', { id: first._id, step: 'DROP', ...dropped });
  active.wake();
  await until(async () => (await wished())?.id === next._id);
  expect(await wished()).toMatchObject({ step: 'BUILD' });
});
