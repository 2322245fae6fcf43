import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { id, refusalReason } from '../shapes.ts';

/** A transfer is the subject. */
export const transferRefused = contract({
  type: 'transfer-refused',
  version: 1,
  description: 'A transfer came to nothing: the amount was not taken out.',
  data: z.object({ accountId: id.describe('The account that refused.'), reason: refusalReason }),
  example: { accountId: '0e8c9c4b-2a10-5d7e-8f35-1b6c7d8e9f20', reason: 'INSUFFICIENT_FUNDS' },
});
