/** Drives the plan: every owner goes through a month, all of them at the same time. */
import {
  type AccountBook,
  type AccountFacts,
  type Answer,
  enter,
  judge,
  nameOf,
  openBook,
  type Priced,
  price,
  type Transaction,
  type Verdict,
  verdictOf,
} from './books.ts';
import type { Client } from './client.ts';
import { type Made, MUTATIONS, type TransactionInput } from './mutations.ts';
import type { AccountName, Move, OwnerPlan, Step } from './plan.ts';
import { expectRefusal, probeOf } from './probe.ts';
import { note, type Tally } from './tally.ts';

export type Owner = { id: string; token: string; plan: OwnerPlan; accounts: Record<AccountName, AccountBook> };

const OPEN = `mutation Open($input: OpenAccountInput!) {
  openAccount(input: $input) { account { id ownerId name currency } }
}`;
const READ_BACK = `query ReadBack($id: ID!, $after: ID!) {
  account(id: $id) { balance(after: $after) { amount version } }
}`;

/** A client of moderate patience: hangs up before most answers. */
const HANG_UP_MS = 4;

/** @returns the owner with the two accounts. */
export async function openAccounts(
  client: Client,
  tally: Tally,
  { id, token, plan }: Omit<Owner, 'accounts'>,
): Promise<Owner> {
  async function open(name: AccountName): Promise<AccountBook> {
    const input = { name, currency: plan.currency, idempotencyKey: `open ${name}` };
    const send = () =>
      client.get<{ openAccount: { account: AccountFacts } }>({ token, query: OPEN, variables: { input } });
    const [{ openAccount: first }, second] = await Promise.all([send(), plan.openedTwice ? send() : undefined]);
    const same = !second || second.openAccount.account.id === first.account.id;
    note(tally.answers, second ? 2 : 1, same ? [] : [`${name} of ${id}: one key opened two accounts`]);
    tally.step();
    return openBook(first.account);
  }
  const [everyday, savings] = await Promise.all([open('everyday'), open('savings')]);
  return { id, token, plan, accounts: { everyday, savings } };
}

/** @param foreignAccount an account of somebody else. */
export async function liveMonth(client: Client, tally: Tally, owner: Owner, foreignAccount: string | undefined) {
  let latest: Made | undefined;
  for (const step of owner.plan.steps) {
    latest = (await take(client, tally, owner, step)) ?? latest;
    if (!step.probe) continue;
    await expectRefusal(client, tally, owner, probeOf(step.probe, owner.accounts, { foreignAccount, latest }));
  }
}

/** @returns the latest that was made in it. */
async function take(client: Client, tally: Tally, owner: Owner, { moves }: Step): Promise<Made | undefined> {
  const spendable = { everyday: owner.accounts.everyday.amount, savings: owner.accounts.savings.amount };
  const asked = moves.map(move => priced(move, spendable[move.account]));
  const made = await Promise.all(
    asked.map(one => make(client, tally, owner, one, verdictOf(one, asked, spendable[one.account]))),
  );
  let latest = made.findLast(one => one !== undefined);
  for (const [index, { readBack, next }] of moves.entries()) {
    const one = made[index];
    if (one && readBack) await readItBack(client, tally, owner, one);
    if (one && next) latest = await make(client, tally, owner, { ...next, amount: one.input.amount }, 'accepted');
    else if (next) tally.step();
  }
  return latest;
}

type PricedMove = Priced & Pick<Move, 'key' | 'repeat'>;

// An account that is empty cannot give a share of what it has.
const priced = (move: Move, spendable: number): PricedMove => ({
  ...move,
  amount: Math.max(1, price(move.amount, spendable)),
});

async function make(client: Client, tally: Tally, owner: Owner, move: PricedMove, verdict: Verdict) {
  const book = owner.accounts[move.account];
  const input = { accountId: book.id, amount: move.amount, memo: move.memo, idempotencyKey: move.key };
  const answers = await send(client, move, owner.token, input);
  note(
    tally.answers,
    answers.length,
    judge(move, verdict, answers).map(what => `${nameOf(book)}: ${what}`),
  );
  tally.step();
  const accepted = answers.find(answer => 'data' in answer);
  if (!accepted) {
    tally.declined += 1;
    return undefined;
  }
  note(tally.answers, 0, enter(book, accepted.data));
  return { input, transaction: accepted.data } satisfies Made;
}

/** What a client that hung up got is no answer. */
async function send(client: Client, { repeat, type }: PricedMove, token: string, input: TransactionInput) {
  async function once(hangUpMs?: number): Promise<Answer<Transaction>> {
    const request = { token, query: MUTATIONS[type], variables: { input }, timed: true, ...(hangUpMs && { hangUpMs }) };
    const answer = await client.ask<{ made: { transaction: Transaction } }>(request);
    return 'data' in answer ? { data: answer.data.made.transaction } : answer;
  }
  switch (repeat) {
    case 'once':
      return [await once()];
    case 'together':
      return Promise.all([once(), once()]);
    case 'after':
      return [await once(), await once()];
    case 'abandoned':
      await once(HANG_UP_MS);
      return [await once()];
    default:
      return repeat satisfies never;
  }
}

/** Owners read their own writes: the balance after a transaction contains it, and never more than was acknowledged. */
async function readItBack(client: Client, tally: Tally, { token, accounts }: Owner, { transaction, input }: Made) {
  const book = accounts.everyday.id === input.accountId ? accounts.everyday : accounts.savings;
  const variables = { id: book.id, after: transaction.id };
  type Data = { account: { balance: { amount: number; version: number } } };
  const { account } = await client.get<Data>({ token, query: READ_BACK, variables });
  const { amount, version } = account.balance;
  const most = book.transactions.size;
  const right = version === most ? amount === book.amount : version >= 1 && version < most;
  const what = `${nameOf(book)}: after ${transaction.id} ${amount} at version ${version}, with ${book.amount} in ${most}`;
  note(tally.readBacks, 1, right ? [] : [what]);
}
