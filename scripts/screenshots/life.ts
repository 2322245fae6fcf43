/** Two months of two people, for pictures: the same every time, as far as the system's ids allow. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, DEPOSIT, eventually, WITHDRAW } from '../../test/system.ts';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** How far back it begins: the clock goes only forward. */
export const DAYS = 61;

/** A day of the two months and an hour of it, what happened, to which account, and how much: in minor units, less than zero taken out. */
type Happening = { day: number; hour: number; account: string; memo: string; minor: number };

const ACCOUNTS = {
  everyday: { owner: 'alice', name: 'Everyday', currency: 'USD' },
  savings: { owner: 'alice', name: 'Savings', currency: 'USD' },
  travel: { owner: 'alice', name: 'Lisbon in spring', currency: 'EUR' },
  tokyo: { owner: 'alice', name: 'Tokyo', currency: 'JPY' },
  household: { owner: 'bob', name: 'Household', currency: 'GBP' },
  studio: { owner: 'bob', name: 'Studio', currency: 'KWD' },
};

/** Every so many days from one on. */
const each = (every: number, from: number, rest: Omit<Happening, 'day'>): Happening[] =>
  Array.from({ length: Math.ceil((DAYS - from) / every) }, (_, at) => ({
    ...rest,
    day: from + at * every,
    // No two weeks' shopping costs the same.
    minor: rest.minor + (rest.memo === 'Groceries' ? ((at * 731) % 2_900) - 1_400 : 0),
  }));

const HAPPENINGS: Happening[] = [
  { day: 0, hour: 9, account: 'everyday', memo: 'Opening deposit', minor: 185_000 },
  ...each(30, 3, { hour: 8, account: 'everyday', memo: 'Salary', minor: 412_350 }),
  ...each(30, 4, { hour: 7, account: 'everyday', memo: 'Rent', minor: -148_000 }),
  ...each(5, 2, { hour: 18, account: 'everyday', memo: 'Groceries', minor: -6_840 }),
  ...each(7, 5, { hour: 13, account: 'everyday', memo: 'Lunch with the team', minor: -2_350 }),
  ...each(30, 12, { hour: 6, account: 'everyday', memo: 'Electricity', minor: -9_420 }),
  ...each(14, 9, { hour: 10, account: 'everyday', memo: 'To savings', minor: -40_000 }),
  ...each(14, 9, { hour: 11, account: 'savings', memo: 'From everyday', minor: 40_000 }),
  { day: 1, hour: 9, account: 'savings', memo: 'Opening deposit', minor: 1_250_000 },
  { day: 38, hour: 16, account: 'everyday', memo: 'New bicycle', minor: -124_900 },
  { day: 52, hour: 15, account: 'everyday', memo: 'Refund, bicycle lights', minor: 4_995 },
  { day: 20, hour: 12, account: 'travel', memo: 'Flights', minor: 64_000 },
  { day: 41, hour: 12, account: 'travel', memo: 'Rooms', minor: 81_500 },
  { day: 44, hour: 12, account: 'tokyo', memo: 'Deposit', minor: 380_000 },
  ...each(9, 2, { hour: 9, account: 'household', memo: 'From both of us', minor: 95_000 }),
  ...each(6, 5, { hour: 19, account: 'household', memo: 'Groceries', minor: -11_300 }),
  { day: 8, hour: 9, account: 'studio', memo: 'Invoice 2026-014', minor: 1_480_250 },
];

const OPEN = /* GraphQL */ `
  mutation ($input: OpenAccountInput!) { openAccount(input: $input) { account { id } } }`;
const BALANCE = /* GraphQL */ `query ($id: ID!, $after: ID!) { account(id: $id) { balance(after: $after) { version } } }`;

export type Account = keyof typeof ACCOUNTS;

/**
 * Lets them live: the system's clock is moved along.
 *
 * @param behind sets how far the clock is behind.
 * @returns the accounts' ids.
 */
export async function live(
  clients: Record<string, Client>,
  behind: (ms: number) => void,
): Promise<Record<string, string>> {
  const clientOf = (owner: string): Client => {
    const client = clients[owner];
    if (!client) throw new Error(`there is no client of ${owner}`);
    return client;
  };
  const at = async (day: number, hour: number) => {
    const timeMs =
      new Date().setUTCHours(0, 0, 0, 0) - (DAYS - day) * DAY_MS + hour * HOUR_MS + ((day * 7 + hour) % 50) * 60_000;
    behind(Date.now() - timeMs);
    await delay(20);
  };
  await at(0, 8);
  const ids: Record<string, string> = {};
  for (const [account, { owner, name, currency }] of Object.entries(ACCOUNTS)) {
    const input = { name, currency };
    ids[account] = (
      await clientOf(owner).get<{ openAccount: { account: { id: string } } }>(OPEN, { input })
    ).openAccount.account.id;
  }
  for (const { day, hour, account, memo, minor } of HAPPENINGS.toSorted((a, b) => a.day - b.day || a.hour - b.hour)) {
    await at(day, hour);
    const input = { accountId: ids[account], amount: Math.abs(minor), memo };
    const client = clientOf(ACCOUNTS[account as Account].owner);
    const answer = await client.get<Record<string, { transaction: { id: string } }>>(minor > 0 ? DEPOSIT : WITHDRAW, {
      input,
    });
    const after = (answer.deposit ?? answer.withdraw)?.transaction.id;
    await eventually(
      () => client.ask<{ account: unknown }>(BALANCE, { id: ids[account], after }),
      ({ errors }) => !errors,
    );
  }
  behind(0);
  return ids;
}
