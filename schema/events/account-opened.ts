import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { currency } from '../shapes.ts';

export const accountOpened = contract({
  type: 'account-opened',
  version: 1,
  description: 'An owner opened an account. The event id is the account id.',
  data: z.object({
    ownerId: z.string().min(1).describe('Whose it is: the subject of their token.'),
    name: z.string().min(1).max(200).describe('What the owner calls it.'),
    currency,
  }),
  example: { ownerId: 'alice', name: 'Everyday', currency: 'EUR' },
});
