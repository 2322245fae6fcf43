import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Log, logged, type Result } from './app/log.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-31T12:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A subscription that a test feeds, and what is shown of it. */
function subscribed(options: Parameters<typeof logged>[1] = {}) {
  const waiting: ((next: IteratorResult<Result>) => void)[] = [];
  const failing: ((error: unknown) => void)[] = [];
  let returned = 0;
  const results: AsyncIterableIterator<Result> = {
    [Symbol.asyncIterator]: () => results,
    next: () =>
      new Promise((resolve, reject) => {
        waiting.push(resolve);
        failing.push(reject);
      }),
    async return() {
      returned += 1;
      return { done: true, value: undefined };
    },
  };
  const shown: Log[] = [];
  const seen = { completed: 0, errors: [] as unknown[], returned: () => returned, last: () => shown.at(-1) };
  const { unsubscribe } = logged(results, options).subscribe({
    next: log => shown.push(log),
    error: error => seen.errors.push(error),
    complete: () => {
      seen.completed += 1;
    },
  });
  const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
  return {
    ...seen,
    completed: () => seen.completed,
    shown,
    unsubscribe,
    pass,
    async send(data: unknown) {
      waiting.shift()?.({ done: false, value: { data } });
      failing.shift();
      await pass();
    },
    async end() {
      waiting.shift()?.({ done: true, value: undefined });
      await pass();
    },
    async fail(error: unknown) {
      failing.shift()?.(error);
      await pass();
    },
  };
}

describe('the log of a subscription', () => {
  test('keeps every result with the time it came, the first at once', async () => {
    const { send, pass, shown, last } = subscribed();
    await send({ n: 1 });
    expect(shown).toEqual([{ log: [{ at: '2026-01-31T12:00:00.000Z', data: { n: 1 } }] }]);
    await pass(1_500);
    await send({ n: 2 });
    expect(last()).toEqual({
      log: [
        { at: '2026-01-31T12:00:00.000Z', data: { n: 1 } },
        { at: '2026-01-31T12:00:01.500Z', data: { n: 2 } },
      ],
    });
  });

  test('says that nothing has come yet, until something has', async () => {
    const { send, pass, shown, last } = subscribed({ waitingAfterMs: 500 });
    await pass(499);
    expect(shown).toEqual([]);
    await pass(1);
    expect(shown).toEqual([{ log: [], waiting: expect.stringMatching(/Nothing has come yet/) }]);
    await send({ n: 1 });
    expect(last()).toEqual({ log: [{ at: '2026-01-31T12:00:00.500Z', data: { n: 1 } }] });
    await pass(10_000);
    expect(shown).toHaveLength(2);
  });

  test('does not say so once something has come, or its reader has left', async () => {
    const quick = subscribed();
    await quick.send({ n: 1 });
    await quick.pass(10_000);
    expect(quick.shown).toHaveLength(1);
    const left = subscribed();
    left.unsubscribe();
    await left.pass(10_000);
    expect(left.shown).toEqual([]);
  });

  test('is shown ten times a second at most, and nothing is missing then', async () => {
    const { send, pass, shown, last } = subscribed();
    for (let n = 0; n < 50; n++) await send({ n });
    expect(shown).toHaveLength(1);
    await pass(100);
    expect(shown).toHaveLength(2);
    expect(last()?.log.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })));
  });

  test('has a bound: the oldest go, and are counted', async () => {
    const { send, pass, last } = subscribed({ framesMax: 3 });
    for (let n = 1; n <= 5; n++) await send({ n });
    await pass(100);
    expect(last()?.notShown).toBe(2);
    expect(last()?.log.map(({ data }) => data)).toEqual([{ n: 3 }, { n: 4 }, { n: 5 }]);
  });

  test('has a bound in characters too, and keeps the newest in any case', async () => {
    const { send, pass, last } = subscribed({ charsMax: 200 });
    await send('x'.repeat(100));
    await send('y'.repeat(100));
    await send('z'.repeat(1_000));
    await pass(100);
    expect(last()?.notShown).toBe(2);
    expect(last()?.log.map(({ data }) => data)).toEqual(['z'.repeat(1_000)]);
  });

  test.each([
    [new Error('Socket closed with event 4403'), [{ message: 'Socket closed with event 4403' }]],
    [[{ message: 'Not yours.' }], [{ message: 'Not yours.' }]],
    [undefined, [{ message: 'The connection was lost.' }]],
  ])('ends with an error as its last entry: %s', async (error, errors) => {
    const { send, fail, last, completed, errors: thrown } = subscribed();
    await send({ n: 1 });
    await fail(error);
    expect(last()?.log).toEqual([
      { at: expect.any(String), data: { n: 1 } },
      { at: expect.any(String), errors },
    ]);
    expect([completed(), thrown]).toEqual([1, []]);
  });

  test('shows what is left when the subscription ends by itself', async () => {
    const { send, end, last, completed } = subscribed();
    await send({ n: 1 });
    await send({ n: 2 });
    await end();
    expect([last()?.log.length, completed()]).toEqual([2, 1]);
  });

  test('ends the subscription when its reader leaves, and shows nothing more', async () => {
    const { send, unsubscribe, pass, shown, returned, completed } = subscribed();
    await send({ n: 1 });
    await send({ n: 2 });
    unsubscribe();
    await send({ n: 3 });
    await pass(1_000);
    expect([shown.length, completed()]).toEqual([1, 0]);
    expect(returned()).toBeGreaterThan(0);
  });
});
