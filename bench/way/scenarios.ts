/** What is measured: how deposits arrive, and into how many accounts. */
import type { Deposits } from './accounts.ts';

export type Scenario = {
  name: string;
  accounts: number;
  how: Deposits;
  /** Accounts whose balance is watched. */
  watched: number;
};

const WATCHED = 200;
/** Where the rate of acknowledgements is looked for, few are watched. */
const FEW = 10;
export const FEW_ACCOUNTS = 200;
export const MANY_ACCOUNTS = 20_000;

export const CLOSED_CLIENTS = [1, 10, 50] as const;
const RATES = [100, 500, 1_000] as const;

export const SCENARIOS: readonly Scenario[] = [
  ...CLOSED_CLIENTS.map(clients => ({
    ...{ name: `closed-${clients}`, accounts: FEW_ACCOUNTS, how: { clients }, watched: FEW },
  })),
  ...RATES.map(perSecond => ({
    ...{ name: `open-${perSecond}`, accounts: FEW_ACCOUNTS, how: { perSecond }, watched: WATCHED },
  })),
  { name: 'hot-300', accounts: 1, how: { perSecond: 300 }, watched: 1 },
  { name: 'many-500', accounts: MANY_ACCOUNTS, how: { perSecond: 500 }, watched: WATCHED },
];
