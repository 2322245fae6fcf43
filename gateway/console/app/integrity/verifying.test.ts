import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { type Asks, type Progress, verify } from './verifying.ts';

type Lake = {
  events: number;
  /** Positions at which something is wrong. */
  bad?: number;
  /** How long a part takes, in seconds for an event. */
  each?: number;
  /** Rows that a checkpoint covers and that are gone. */
  cutOff?: boolean;
  hash?: string;
};

/** A lake that is asked in parts, on a clock of its own. */
function lakeOf({ events, bad, each = 0.0001, cutOff = false, hash = `hash ${events}` }: Lake) {
  const parts: [from: number, to: number | null][] = [];
  let seconds = 0;
  const asks: Asks = {
    size: async () => ({ position: events, hash }),
    part: async (from, to) => {
      parts.push([from, to]);
      const end = to ?? events;
      seconds += (end - from + 1) * each;
      if (bad !== undefined && bad >= from && bad <= end) return { valid: false, head: '', firstBadPosition: bad };
      if (to === null && cutOff) return { valid: false, head: '', firstBadPosition: events + 1 };
      return { valid: true, head: `hash ${end}`, firstBadPosition: null };
    },
    seconds: () => seconds,
  };
  const progress: Progress[] = [];
  const run = (from = 1, signal = new AbortController().signal) =>
    verify(from, next => progress.push(next), signal, asks);
  return { asks, parts, progress, run };
}

describe('verifying in parts', () => {
  test('looks at every event once, then at the end without a bound, and shows how far it is', async () => {
    const { run, parts, progress } = lakeOf({ events: 250_000 });
    expect(await run()).toMatchObject({ name: 'sound', done: 250_000, total: 250_000, head: 'hash 250000' });
    let next = 1;
    for (const [from, to] of parts) {
      expect(from).toBe(next);
      next = (to ?? 250_000) + 1;
    }
    expect(parts.at(-1)).toEqual([250_001, null]);
    expect(progress.map(({ done }) => done)).toEqual([...progress.map(({ done }) => done)].sort((a, b) => a - b));
    expect(progress.at(-1)?.done).toBe(250_000);
  });

  test('takes parts of about the same time, whatever the lake is like', async () => {
    const quick = lakeOf({ events: 400_000, each: 0.00001 });
    const slow = lakeOf({ events: 20_000, each: 0.01 });
    await Promise.all([quick.run(), slow.run()]);
    expect(quick.parts.length).toBeLessThan(20);
    expect(slow.parts.length).toBe(21);
  });

  test('says where something is wrong, and asks no more', async () => {
    const { run, parts } = lakeOf({ events: 50_000, bad: 1_500 });
    expect(await run()).toMatchObject({ name: 'bad', position: 1_500, done: 1_000 });
    expect(parts).toHaveLength(2);
  });

  test('finds rows that were cut off at the end, also of a lake that is empty now', async () => {
    expect(await lakeOf({ events: 10, cutOff: true }).run()).toMatchObject({ name: 'bad', position: 11 });
    expect(await lakeOf({ events: 0, cutOff: true }).run()).toMatchObject({ name: 'bad', position: 1 });
    expect(await lakeOf({ events: 0 }).run()).toMatchObject({ name: 'sound', total: 0 });
  });

  test('finds that the events do not come to what the lake has signed', async () => {
    expect(await lakeOf({ events: 10, hash: 'another' }).run()).toMatchObject({ name: 'bad', position: 10 });
  });

  test('stops when told to, and goes on from there', async () => {
    const { asks, parts } = lakeOf({ events: 9_000 });
    const stop = new AbortController();
    const stopped = await verify(1, ({ done }) => done > 0 && stop.abort(), stop.signal, asks);
    expect(stopped).toMatchObject({ name: 'stopped', done: 1_000 });
    const rest = await verify(stopped.done + 1, () => undefined, new AbortController().signal, asks);
    expect(rest).toMatchObject({ name: 'sound', done: 9_000 });
    expect(parts[1]?.[0]).toBe(1_001);
  });

  test('says what it could not ask, and how far it had got', async () => {
    const { asks } = lakeOf({ events: 9_000 });
    const failing: Asks = {
      ...asks,
      part: (from, to) => (from > 1 ? Promise.reject(new Failure('UNAVAILABLE', 'away')) : asks.part(from, to)),
    };
    const verdict = await verify(1, () => undefined, new AbortController().signal, failing);
    expect(verdict).toMatchObject({ name: 'failed', done: 1_000, failure: { code: 'UNAVAILABLE' } });
  });
});
