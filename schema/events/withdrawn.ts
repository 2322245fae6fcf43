import { contract } from '../../events/contract.ts';
import { transaction } from '../shapes.ts';

export const withdrawn = contract({
  type: 'withdrawn',
  version: 1,
  description: 'An amount was taken out of an account.',
  data: transaction,
  example: { amountMinor: 4_000, currency: 'EUR', memo: 'groceries' },
});
