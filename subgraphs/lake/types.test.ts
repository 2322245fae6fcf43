import { expect, test } from 'vitest';
import type { Binding } from '../../events/binding.ts';
import { eventTypes } from './types.ts';

const binding = (_id: string, consumes: string[], emits: string[]): Binding => ({
  ...{ _id, consumes, emits, partitions: 1, replayedFirst: [] },
});
const all = async () => [
  binding('wealth', ['deposited'], ['grown']),
  binding('lake', ['*'], []),
  binding('account', [], ['deposited']),
];

const parts = (once: string[] = []) => ({ bindings: { all }, retired: { types: async () => once } });

test('a type is there once, with who emits it, who gets it, and what its contract promises', async () => {
  const types = await eventTypes(parts());
  expect(types.map(({ type }) => type)).toEqual([...new Set(types.map(({ type }) => type))].sort());
  expect(types.find(({ type }) => type === 'deposited')).toMatchObject({
    emittedBy: ['account'],
    consumedBy: ['lake', 'wealth'],
    versions: [
      {
        version: 2,
        description: 'An amount was paid into an account, by a channel.',
        example: { channel: 'MOBILE' },
        schema: { $id: 'urn:tributary:event:deposited:2' },
      },
      {
        version: 1,
        description: 'An amount was paid into an account.',
        example: { currency: 'EUR' },
        schema: { $id: 'urn:tributary:event:deposited:1', required: ['amountMinor', 'currency'] },
      },
    ],
  });
  // One of them is written, and all are read.
  for (const { type, versions } of types)
    expect([type, versions.filter(({ written }) => written).length]).toEqual([type, Math.min(versions.length, 1)]);
  const { versions } = types.find(({ type }) => type === 'overdrawn') ?? {};
  expect(versions?.[0]?.written).toBe(true);
});

test('a type without a contract here is there for those who emit it, and one that nobody emits for its contract', async () => {
  const types = await eventTypes(parts());
  expect(types.find(({ type }) => type === 'grown')).toEqual({
    ...{ type: 'grown', emittedBy: ['wealth'], consumedBy: ['lake'], versions: [] },
  });
  expect(types.find(({ type }) => type === 'overdrawn')).toMatchObject({ emittedBy: [], consumedBy: ['lake'] });
  expect(types.map(({ type }) => type)).not.toContain('*');
});

test('what was emitted once is there for ever: by a service that emits something else now, or that was taken out', async () => {
  const changed = async () => [{ ...binding('wealth', [], ['grown']), emitted: ['grown', 'swollen'] }];
  const types = await eventTypes({ ...parts(['points-earned']), bindings: { all: changed } });
  const gone = types.filter(({ versions }) => versions.length === 0);
  expect(gone).toEqual([
    { type: 'grown', emittedBy: ['wealth'], consumedBy: [], versions: [] },
    { type: 'points-earned', emittedBy: [], consumedBy: [], versions: [] },
    { type: 'swollen', emittedBy: [], consumedBy: [], versions: [] },
  ]);
});

test('any service may set something aside', async () => {
  const faults = (await eventTypes(parts())).find(({ type }) => type === 'fault');
  expect(faults?.emittedBy).toEqual(['account', 'lake', 'wealth']);
});
