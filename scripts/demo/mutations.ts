/** How a transaction is asked for, whatever it comes to. */
import type { Transaction } from './books.ts';

/** A transaction with the input that it was asked for by. */
export type Made = { input: TransactionInput; transaction: Transaction };
export type TransactionInput = { accountId: string; amount: number; memo: string; idempotencyKey: string };

const FIELDS = 'transaction { id type amount memo time }';
export const MUTATIONS = {
  DEPOSIT: `mutation Deposit($input: TransactionInput!) { made: deposit(input: $input) { ${FIELDS} } }`,
  WITHDRAWAL: `mutation Withdraw($input: TransactionInput!) { made: withdraw(input: $input) { ${FIELDS} } }`,
};
