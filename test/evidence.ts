/**
 * The evidence of invariants.ts from a running system, over its public API alone, as an operator sees it. An account is
 * held at a time, or a few; each is read whole.
 */
import { PAGE_MAX } from '../schema/paging.ts';
import { accountOf } from './audit/account.ts';
import type { EvidenceClient } from './audit/client.ts';
import { MORE, nodesOf, type Page } from './audit/pages.ts';
import type { AccountEvidence } from './invariants.ts';

export { accountOf } from './audit/account.ts';
export { type EvidenceClient, evidenceClient, operatorClient } from './audit/client.ts';
export { type Rest, settled, type Waiting } from './audit/rest.ts';
export { type Counts, emittedTypes, noCounts, plusCounts, type SystemSeen, systemOf } from './audit/system.ts';
export { transfersOf } from './audit/transfers.ts';

const ACCOUNT_IDS = `query AccountIds($first: Int!, $after: String) {
  accounts(first: $first, after: $after) { nodes { id } ${MORE} } }`;
const IN_FLIGHT = 4;

export type AccountsOptions = {
  /** Accounts that are read at one time. Default 4. */
  inFlight?: number;
  /** Told how many more of the lake's events were read. */
  onEvents?: (count: number) => void;
};

/** Every account with everything that is shown of it, in the order they were opened; no more than `inFlight` are held. */
export async function* accountsOf(
  client: EvidenceClient,
  { inFlight = IN_FLIGHT, onEvents }: AccountsOptions = {},
): AsyncGenerator<AccountEvidence> {
  const reading: Promise<AccountEvidence>[] = [];
  for await (const { id } of accountIds(client)) {
    const account = accountOf(client, id, onEvents);
    // Who waits for an earlier one hears of this failure when its turn comes.
    account.catch(() => undefined);
    reading.push(account);
    const [first] = reading;
    if (!first || reading.length < inFlight) continue;
    reading.shift();
    yield await first;
  }
  for (const account of reading) yield await account;
}

async function* accountIds(client: EvidenceClient): AsyncGenerator<{ id: string }> {
  type Data = { accounts: Page<{ id: string }> };
  yield* nodesOf(async after => (await client.get<Data>(ACCOUNT_IDS, { first: PAGE_MAX, after })).accounts);
}
