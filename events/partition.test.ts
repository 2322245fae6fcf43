import { describe, expect, it, test } from 'vitest';
import { laneOf, ownedBy, ownerOf, PARTITIONS_MAX, partitionOf, spreadOver } from './partition.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `p${index}`);
const accounts = Array.from({ length: 4_000 }, (_, index) => ({ id: `${index}`, subject: `account ${index}` }));

describe('the partition of an event', () => {
  it('is that of its subject, or of its id when it has none', () => {
    for (const partitions of [1, 3, 16]) {
      expect(partitionOf({ id: '1', subject: 'a' }, partitions)).toBe(
        partitionOf({ id: '2', subject: 'a' }, partitions),
      );
      expect(partitionOf({ id: 'a' }, partitions)).toBe(partitionOf({ id: '2', subject: 'a' }, partitions));
    }
  });

  it('is one as often as another', () => {
    for (let partitions = 1; partitions <= PARTITIONS_MAX; partitions++) {
      const counts = names(partitions).map(() => 0);
      for (const account of accounts) {
        const partition = partitionOf(account, partitions);
        counts[partition] = (counts[partition] ?? Number.NaN) + 1;
      }
      for (const count of counts) expect(Math.abs(count / (accounts.length / partitions) - 1)).toBeLessThan(0.25);
    }
  });

  it('changes for no more subjects than a new partition takes, and between the others for none', () => {
    for (let partitions = 1; partitions < PARTITIONS_MAX; partitions++) {
      const moved = accounts.filter(
        account => partitionOf(account, partitions) !== partitionOf(account, partitions + 1),
      );
      expect(moved.every(account => partitionOf(account, partitions + 1) === partitions)).toBe(true);
      expect(Math.abs((moved.length * (partitions + 1)) / accounts.length - 1)).toBeLessThan(0.25);
    }
  });

  it('says nothing of the lane within a process: what is in one partition is in all lanes', () => {
    const lanes = new Set(accounts.filter(account => partitionOf(account, 4) === 1).map(account => laneOf(account, 4)));
    expect([...lanes].sort()).toEqual([0, 1, 2, 3]);
  });
});

test('what shares one of 64 lanes shares one of 4', () => {
  for (const account of accounts) expect(laneOf(account, 4)).toBe(laneOf(account, 64) % 4);
});

describe('a service is spread over', () => {
  it('as many queues as it has processes, up to its limit; over all that it may have while it has none', () => {
    expect([0, 1, 2, 8, 9].map(members => spreadOver(8, members))).toEqual([8, 1, 2, 8, 8]);
    expect([0, 1, 5].map(members => spreadOver(1, members))).toEqual([1, 1, 1]);
  });
});

describe('whoever is there', () => {
  it('owns every partition together, each exactly once, and nobody two more than another', () => {
    for (let count = 1; count <= PARTITIONS_MAX + 2; count++) {
      const members = names(count);
      for (const limit of [1, 3, 8, PARTITIONS_MAX]) {
        const spread = spreadOver(limit, count);
        const shares = members.map(member => ownedBy(member, { members, holding: [], limit }));
        expect(shares.flat().sort((one, other) => one - other)).toEqual(names(spread).map((_, partition) => partition));
        const sizes = shares.map(share => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('owns what is left in queues that nobody sends to any more as well', () => {
    const all = names(PARTITIONS_MAX).map((_, partition) => partition);
    for (const count of [1, 2, 3]) {
      const members = names(count);
      const shares = members.map(member => ownedBy(member, { members, holding: all, limit: 8 }));
      expect(shares.flat().sort((one, other) => one - other)).toEqual(all);
      const sizes = shares.map(share => share.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  it('keeps what it has of the partitions in use when one more comes', () => {
    for (let count = 1; count < PARTITIONS_MAX; count++) {
      for (let partition = 0; partition < count; partition++)
        expect(ownerOf(partition, names(count + 1))).toBe(ownerOf(partition, names(count)));
    }
  });

  it('is nobody when there is nobody, and owns nothing that is not a member', () => {
    expect(ownerOf(0, [])).toBeUndefined();
    expect(ownedBy('p9', { members: names(2), holding: [5], limit: 8 })).toEqual([]);
    expect(ownedBy('p9', { members: [], holding: [5], limit: 8 })).toEqual([]);
  });
});
