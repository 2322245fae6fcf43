import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { transaction } from '../shapes.ts';

const before = contract({
  type: 'deposited',
  version: 1,
  description: 'An amount was paid into an account.',
  data: transaction,
  example: { amountMinor: 12_500, currency: 'EUR', memo: 'salary' },
});

export const deposited = contract({
  type: 'deposited',
  version: 2,
  description: 'An amount was paid into an account, by a channel.',
  data: transaction.extend({
    // Open, so that another door to the bank is no other version.
    channel: z
      .string()
      .regex(/^[A-Z][A-Z_]{0,39}$/)
      .describe('By which way it came in: ACCOUNT, MOBILE, TRANSFER, or one of a service that was added since.'),
  }),
  example: { amountMinor: 12_500, currency: 'EUR', memo: 'salary', channel: 'MOBILE' },
  before,
  upcast: (data, { source }) => ({ ...data, channel: data.transferId === undefined ? channelOf(source) : 'TRANSFER' }),
});

/** Before there were channels, each service that paid in was one. */
function channelOf(source: string): string {
  const name = source
    .toUpperCase()
    .replaceAll(/[^A-Z]+/g, '_')
    .replace(/^_/, '')
    .slice(0, 40);
  return name || 'UNKNOWN';
}
