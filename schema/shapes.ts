/** What the data of several event types are made of. */
import { z } from 'zod';

export const minorUnits = z.int().describe('Whole minor units of the currency (cents), never a float; signed.');
export const positiveMinorUnits = z
  .int()
  .positive()
  .describe('Whole minor units of the currency (cents), never a float.');
export const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .describe('ISO 4217 alphabetic code.');
export const version = z.int().positive().describe('1, 2, 3, ... without gaps within one account.');
export const eventId = z.string().min(1).describe('The id of an event.');
/** The id of an account, an owner or a transfer. */
export const id = z.string().min(1).max(400);
export const memo = z.string().max(500).optional().describe('What the owner wrote beside it.');
/** What is paid in or taken out. */
export const transaction = z.object({
  amountMinor: positiveMinorUnits,
  currency,
  memo,
  transferId: id.optional().describe('The transfer that it is a part of, if it is of one.'),
});

export const refusalReason = z
  .enum(['NOT_FOUND', 'INSUFFICIENT_FUNDS', 'CURRENCY_MISMATCH', 'BALANCE_LIMIT', 'EXPIRED'])
  .describe('Why an account takes no part in a transfer.');
export type RefusalReason = z.infer<typeof refusalReason>;
/** That an account takes no part in a transfer. */
export const refusal = z.object({
  transferId: id.describe('The transfer.'),
  accountId: id.describe('The account that was asked.'),
  reason: refusalReason,
});
/** What a transfer moves, and where. */
export const moved = {
  fromAccountId: id.describe('The account that it is taken out of.'),
  toAccountId: id.describe('The account that it is paid into.'),
  amountMinor: positiveMinorUnits,
  currency,
};
