import { expect, test } from 'vitest';
import { remembering } from './consumer.fixture.ts';
import { ContractViolation } from './errors.ts';
import type { Event } from './event.ts';
import { happening, idsOf } from './fixture.ts';
import { applyRules, readThrough } from './rule.ts';

test('rules get the events of their types, read through their contracts, in their order', async () => {
  const { rule: remember, batches } = remembering();
  const seen: string[][] = [];
  const everything = { on: 'everything' as const, handle: async (events: Event[]) => void seen.push(idsOf(events)) };
  const other = { ...happening('x'), type: 'unknown-to-all' };
  const rules = [remember, everything];
  const read = [happening('1'), other, happening('2')].map(event => readThrough(rules, event));
  expect(await applyRules(rules, read)).toBe(0);
  expect([batches, seen]).toEqual([[['1', '2']], [['1', 'x', '2']]]);
  expect(() => readThrough(rules, { ...happening('3'), data: null })).toThrow(ContractViolation);
  expect(() => readThrough(rules, { id: '4' })).toThrow();
});
