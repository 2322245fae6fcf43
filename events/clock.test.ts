import { getEventListeners } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createEnding, createWake, systemClock, systemIds, timestamp } from './clock.ts';
import { fakeClock } from './fixture.ts';

const never = new AbortController().signal;

describe('a wake', () => {
  test('ends the wait that is on', async () => {
    const wake = createWake(fakeClock());
    const waiting = wake.wait(60_000, never);
    wake.notify();
    await waiting;
  });

  test('before the wait ends it at once, once', async () => {
    const clock = fakeClock();
    const wake = createWake(clock);
    wake.notify();
    wake.notify();
    await wake.wait(60_000, never);
    let isOver = false;
    const second = wake.wait(60_000, never).then(() => {
      isOver = true;
    });
    await clock.pass(59_999);
    expect(isOver).toBe(false);
    await clock.pass(1);
    await second;
  });

  test('is not needed when the signal aborts', async () => {
    const stopped = new AbortController();
    const waiting = createWake(fakeClock()).wait(60_000, stopped.signal);
    stopped.abort();
    await waiting;
  });
});

test('a thousand waits leave nothing behind on a signal that lives on', async () => {
  const any = vi.spyOn(AbortSignal, 'any');
  onTestFinished(() => any.mockRestore());
  const { signal } = new AbortController();
  const wake = createWake(systemClock);
  for (let waits = 0; waits < 1_000; waits++) {
    const waiting = wake.wait(60_000, signal);
    wake.notify();
    await waiting;
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  // Each signal made by it stays on its sources' lists, in Node 20 for ever: some 55 bytes a wait.
  expect(any).not.toHaveBeenCalled();
});

test.each([
  { clock: systemClock, which: 'the machine’s' },
  { clock: fakeClock(), which: 'a test’s' },
])('a sleep is ended as by a signal, also before it has begun, on $which clock', async ({ clock }) => {
  const over = createEnding();
  const sleeping = clock.sleep(60_000, over);
  over.end();
  await sleeping;
  await clock.sleep(60_000, over);
});

test('sleep ends at once when its signal has aborted, and never rejects', async () => {
  await systemClock.sleep(60_000, AbortSignal.abort());
  const aborting = new AbortController();
  const sleeping = systemClock.sleep(60_000, aborting.signal);
  aborting.abort();
  await sleeping;
});

test('a timestamp is UTC with milliseconds', () => {
  expect(timestamp(0)).toBe('1970-01-01T00:00:00.000Z');
});

test('ids come in the order of time, so that what is new lies together, and none comes twice', () => {
  const ids = Array.from({ length: 10_000 }, () => systemIds.next());
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});
