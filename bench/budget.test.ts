import { beforeAll, describe, expect, it } from 'vitest';
import { type Budget, measureBudget } from './budget/measure.ts';
import { costOf, TARGETS } from './budget/report.ts';
import { mongodbStep, redisStep } from './budget/steps.ts';

// Counted on a fixed run. A slow machine makes larger batches, and so fewer commands under load; alone, a deposit costs the same
// everywhere.
describe('a settled deposit', () => {
  let budget: Budget;
  beforeAll(async () => {
    budget = await measureBudget({ processes: 'one', accounts: 20, idleDeposits: 10, perSecond: 500, seconds: 3 });
  });

  it('costs at most 4 MongoDB commands and 8 Redis round trips at 500 deposits/s, all services together', () => {
    const { mongodb, trips } = costOf(budget.load);
    expect(budget.load.deposits).toBe(1_500);
    expect(mongodb).toBeLessThanOrEqual(TARGETS.mongodb);
    expect(trips).toBeLessThanOrEqual(TARGETS.trips);
    // None at all would say that they are not counted.
    expect(Math.min(mongodb, trips)).toBeGreaterThan(0.02);
  });

  it('alone costs what its steps cost, and nothing beside', () => {
    const { mongodb, redis, trips } = costOf(budget.idle);
    expect(mongodb).toBeLessThanOrEqual(20);
    expect(redis).toBeLessThanOrEqual(72);
    expect(trips).toBeLessThanOrEqual(62);
  });

  it('is parsed and validated so often: three texts a job by BullMQ, seven jobs; an envelope and a contract a job, and where it is made', () => {
    const { parses, validations } = costOf(budget.idle);
    expect(parses).toBeLessThanOrEqual(25);
    expect(parses).toBeGreaterThanOrEqual(7);
    expect(validations).toBeLessThanOrEqual(17);
    expect(validations).toBeGreaterThanOrEqual(8);
  });

  it('leaves less than 4 KB of documents', () => {
    const bytes = Object.values(budget.bytes.documents).reduce((all, one) => all + one, 0);
    expect(bytes).toBeLessThanOrEqual(4_000);
    expect(bytes).toBeGreaterThanOrEqual(1_000);
  });

  it('has no command whose step nobody knows', () => {
    const unknown = [budget.resting, budget.idle, budget.load].flatMap(({ counts }) => [
      ...Object.keys(counts.mongodb).filter(name => mongodbStep(name).step.includes('{')),
      ...Object.keys(counts.redis).filter(name => redisStep(name).step === name),
    ]);
    expect([...new Set(unknown)]).toEqual([]);
  });
});
