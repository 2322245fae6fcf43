import { expect, test } from 'vitest';
import { notReached } from './moments.ts';

test('moments that did not come again are told in words, each call once', () => {
  const moments = [
    { service: 'account', at: 'before mongodb account.leases insertOne _id,beat,fence,holder' },
    { service: 'account', at: 'after mongodb account.leases insertOne _id,beat,fence,holder' },
    { service: 'balance', at: 'before mongodb registry.bindings updateOne _id $max()' },
    { service: 'lake', at: 'after redis {lake}-0 addJob' },
  ];
  expect(notReached(moments)).toBe(
    '4 not reached: the first lease of a new database (account, before and after), ' +
      'a watermark written that has not moved (balance, before), redis {lake}-0 addJob (lake, after)',
  );
});
