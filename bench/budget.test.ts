import { beforeAll, describe, expect, it } from 'vitest';
import type { Tally } from './budget/counts.ts';
import { type Budget, measureBudget } from './budget/measure.ts';
import { costOf, TARGETS } from './budget/report.ts';
import { isByClock, mongodbStep, redisStep } from './budget/steps.ts';

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
    const { counts, deposits } = budget.idle;
    // A busy machine takes longer, and more is done by the clock meanwhile.
    const own = (tally: Tally, stepFor: typeof mongodbStep) =>
      Object.entries(tally).reduce((all, [name, count]) => all + (isByClock(stepFor(name)) ? 0 : count / deposits), 0);
    const [mongodb, redis, trips] = [
      own(counts.mongodb, mongodbStep),
      own(counts.redis, redisStep),
      own(counts.trips, redisStep),
    ];
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
    // What happens once in a while is not a step of a deposit.
    const often = (tally: Tally) => Object.keys(tally).filter(name => (tally[name] ?? 0) / budget.load.deposits > 0.01);
    const { counts } = budget.load;
    const unknown = [
      ...often(counts.mongodb).filter(name => mongodbStep(name).step.includes('{')),
      ...often(counts.redis).filter(name => redisStep(name).step === name),
    ];
    expect([...new Set(unknown)]).toEqual([]);
  });
});
