import { contract } from '../../events/contract.ts';
import { transaction } from '../shapes.ts';

export const deposited = contract({
  type: 'deposited',
  version: 1,
  description: 'An amount was paid into an account.',
  data: transaction,
  example: { amountMinor: 12_500, currency: 'EUR', memo: 'salary' },
});
