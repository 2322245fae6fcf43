import { z } from 'zod';
import { contract } from '../../events/contract.ts';

/** A transfer is the subject. */
export const transferExpired = contract({
  type: 'transfer-expired',
  version: 1,
  description: 'The amount of a transfer was not taken out in time. Should it still be, it is given back.',
  data: z.object({ expiresInSeconds: z.int().positive().describe('How long it was allowed to take.') }),
  example: { expiresInSeconds: 60 },
});
