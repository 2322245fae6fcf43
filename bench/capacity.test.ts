import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MEASURED, RATES, WORKED_OFF } from './capacity/measured.ts';
import { costTable, needsTable } from './capacity/tables.ts';
import { type Costs, drainRate, FULL, limitsOf, needsOf } from './capacity.ts';

const costs: Costs = {
  cpuMs: { gateway: 0.4, account: 1, balance: 0.5, mongodb: 2 },
  singleMs: { 'account relay': 0.1, lake: 0.2 },
  storedBytes: 10_000,
  appendedBytes: 3_000,
};

describe('what a system can carry', () => {
  it('is what its fullest part can: the one with the most work a core', () => {
    const [first, second] = limitsOf(costs, { processes: {} });
    expect(first).toEqual({ part: 'mongodb', perSecond: (1_000 * FULL) / 2, why: '1 × 1 core' });
    expect(second?.part).toBe('account');
  });

  it('grows with the processes of that part until another is first', () => {
    const [first] = limitsOf(costs, { processes: { mongodb: 4 } });
    expect(first?.part).toBe('account');
  });

  it('does not grow beyond what is one at a time, however many processes there are', () => {
    const [first] = limitsOf(costs, { processes: { gateway: 99, account: 99, balance: 99, mongodb: 99 } });
    expect(first).toMatchObject({ part: 'lake', why: 'one at a time' });
    expect(first?.perSecond).toBeCloseTo(3_500);
  });

  it('on one machine is what all parts together leave of its cores', () => {
    const [first] = limitsOf(costs, { processes: { mongodb: 9 }, cores: 2 });
    expect(first).toMatchObject({ part: 'machine' });
    expect(first?.perSecond).toBeCloseTo((2_000 * FULL) / 3.9);
  });
});

describe('what a rate needs', () => {
  it('is processes that are full at most, and division where one is not enough', () => {
    const { parts, divided, storedBytesADay } = needsOf(costs, 10_000);
    expect(parts.find(({ part }) => part === 'account')).toEqual({ part: 'account', cores: 10, processes: 15 });
    expect(divided).toEqual([
      { part: 'account relay', into: 2 },
      { part: 'lake', into: 3 },
    ]);
    expect(storedBytesADay).toBe(8_640_000_000_000);
  });
});

describe('a backlog', () => {
  const cheap = { cpuMs: { balance: 0.5, mongodb: 0.3 } };

  it('is worked off twice as fast by two processes, until the database or the machine is full', () => {
    const rate = (count: number, cores: number) => drainRate(cheap, 'balance', { count, part: 1, cores });
    expect(rate(1, 8)).toBeCloseTo(2_000);
    expect(rate(1, 1)).toBeCloseTo(1_250);
    expect(rate(2, 8)).toBeCloseTo(1_000 / 0.3);
    expect(rate(4, 8)).toBeCloseTo(1_000 / 0.3);
  });

  it('is worked off as fast as their parts of a core let them', () => {
    const rate = (count: number) => drainRate(cheap, 'balance', { count, part: 0.1, cores: 2 });
    expect([1, 2, 4].map(rate).map(Math.round)).toEqual([200, 400, 800]);
  });
});

describe('what was measured', () => {
  it('is what the model says of its costs, within a third', () => {
    for (const { count, part, perSecond, cpuMs } of WORKED_OFF) {
      const model = drainRate({ cpuMs }, 'balance', { count, part, cores: 2 });
      expect(Math.abs(perSecond / model - 1)).toBeLessThan(1 / 3);
    }
  });
});

describe('docs/SCALE.md', () => {
  const text = readFileSync(new URL('../docs/SCALE.md', import.meta.url), 'utf8');

  it('shows what the calculation comes to', () => {
    expect(text).toContain(costTable(MEASURED));
    expect(text).toContain(needsTable(MEASURED, RATES));
  });
});
