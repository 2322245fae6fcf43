import { expect, it } from 'vitest';
import { type CpuProfile, reportOf, summarize } from './profile.ts';

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 1 });
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(idle)', '') },
    { id: 2, callFrame: frame('parse', 'file:///app/node_modules/bson/lib/bson.cjs') },
    { id: 3, callFrame: frame('parse', 'file:///app/node_modules/bson/lib/bson.cjs') },
    { id: 4, callFrame: frame('connect', 'node:net') },
  ],
  samples: [1, 2, 3, 4, 2],
  timeDeltas: [9_000, 1_000, 2_000, 500, 1_500],
};

it('sums up the time of a function over all places it was called from, most first, and leaves idle time out', () => {
  const { totalMs, functions, places } = summarize(profile);
  expect(totalMs).toBe(5);
  expect(functions.map(({ name, ms }) => [name.split(' ')[0], ms])).toEqual([
    ['parse', 4.5],
    ['connect', 0.5],
  ]);
  expect(places).toEqual([
    { name: 'bson', ms: 4.5 },
    { name: 'node:net', ms: 0.5 },
  ]);
});

it('says it for one deposit', () => {
  expect(reportOf('account', summarize(profile), 10, 1)).toContain('450.0 µs  90.0 %  bson');
});
