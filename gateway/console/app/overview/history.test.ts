import { expect, test } from 'vitest';
import { BALANCE, systemWith } from './fixture.ts';
import { remember, type Sample, sampleOf, trendOf, valuesOf } from './history.ts';

const START_MS = Date.parse('2026-01-31T12:00:00.000Z');
const at = (second: number) => systemWith({ time: new Date(START_MS + second * 1_000).toISOString() });

test('five minutes are kept, however long it goes on and however often it comes', () => {
  let samples: readonly Sample[] = [];
  for (let second = 0; second < 2_000; second++) samples = remember(samples, sampleOf(at(second)));
  expect(samples).toHaveLength(300);
  expect(samples.at(-1)?.atMs).toBe(START_MS + 1_999_000);
  for (let tenth = 0; tenth < 10_000; tenth++) samples = remember(samples, sampleOf(at(2_000 + tenth / 10)));
  expect(samples).toHaveLength(600);
});

test('a clock that was put back begins anew', () => {
  const samples = remember([sampleOf(at(100)), sampleOf(at(101))], sampleOf(at(50)));
  expect(samples.map(({ atMs }) => atMs)).toEqual([START_MS + 50_000]);
});

test('a sample holds the largest lag, and that it is not known when it is not', () => {
  const lagging = { ...BALANCE, lagEvents: 7, lagSeconds: 2 };
  const unknown = { ...BALANCE, name: 'other', lagEvents: null, lagSeconds: null };
  const flows = [{ source: '/account', type: 'deposited', eventsPerSecond: 5, eventsLastMinute: 300 }];
  expect(sampleOf(systemWith({ services: [lagging, unknown], flows }))).toMatchObject({
    eventsPerSecond: 5,
    lagEvents: 7,
    services: { balance: { lagEvents: 7, lagSeconds: 2 }, other: { lagEvents: null, lagSeconds: null } },
  });
  expect(sampleOf(systemWith({ services: [unknown] })).lagEvents).toBeNull();
});

test('a trend is the largest of each five seconds, from 0 to 1, and breaks where nothing is known', () => {
  const points = [0, 1, 2, 5, 6, 20, 21].map(second => ({ at: START_MS + second * 1_000, value: second * 10 }));
  const lines = trendOf(points, START_MS + 21_000, 1);
  expect(lines.map(line => line.map(({ y }) => Math.round(y * 210)))).toEqual([[20, 60], [210]]);
  expect(lines.at(-1)?.at(-1)?.x).toBe(1);
  expect(trendOf(points, START_MS + 21_000, 2_100)[1]?.[0]?.y).toBeCloseTo(0.1);
});

test('what was not known then is not drawn as nothing', () => {
  const known = sampleOf(systemWith());
  expect(valuesOf([known, { ...known, lagEvents: null }], ({ lagEvents }) => lagEvents)).toEqual([
    { at: START_MS, value: 0 },
    { at: START_MS, value: null },
  ]);
});
