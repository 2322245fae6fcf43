import { expect, test } from 'vitest';
import { briefOf } from './facts.ts';
import { resubmitAll } from './resubmission.ts';

/** Open faults, newest first, of which what is sent again fails again at once: a newer fault each time. */
function open(count: number) {
  const faults = Array.from({ length: count }, (_, index) => `f${count - index}`);
  const sent: string[] = [];
  return {
    sent,
    asks: {
      openFaults: async (after: string | null) => {
        const from = after === null ? 0 : faults.indexOf(after) + 1;
        const ids = faults.slice(from, from + 100);
        const last = ids.at(-1);
        return { ids, next: last !== undefined && from + 100 < faults.length ? last : null };
      },
      resubmit: async (ids: string[]) => {
        sent.push(...ids);
        faults.unshift(...ids.map(id => `${id} again`));
      },
    },
  };
}

const signal = new AbortController().signal;

test('all that are open now are sent once, also when they fail again meanwhile', async () => {
  const { asks, sent } = open(250);
  const progress: number[] = [];
  expect(await resubmitAll({ service: null }, now => progress.push(now), signal, asks)).toBe(250);
  expect(new Set(sent).size).toBe(250);
  expect(sent.some(id => id.includes('again'))).toBe(false);
  expect(progress).toEqual([100, 200, 250]);
});

test('chosen ones are sent in parts, and no others', async () => {
  const { asks, sent } = open(250);
  const ids = Array.from({ length: 120 }, (_, index) => `f${index + 1}`);
  expect(await resubmitAll({ ids }, () => undefined, signal, asks)).toBe(120);
  expect(sent).toEqual(ids);
});

test('it stops between two parts when told to', async () => {
  const { asks, sent } = open(250);
  const stop = new AbortController();
  expect(await resubmitAll({ service: null }, () => stop.abort(), stop.signal, asks)).toBe(100);
  expect(sent).toHaveLength(100);
});

test('an error is shown without what stands beside it', () => {
  expect(briefOf({ error: 'deposited abc: ✖ Too small\n  → at amountMinor', eventId: 'abc' })).toBe(
    'Too small → at amountMinor',
  );
  expect(briefOf({ error: 'cannot', eventId: 'abc' })).toBe('cannot');
  expect(briefOf({ error: '', eventId: 'abc' })).toBe('The service gave no message.');
});
