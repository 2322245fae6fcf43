/** Puts something into the system that can be asked for; the same whenever it is done, but for the ids of replays. */
import { clientOf, DEPOSIT, eventually, OPEN_ACCOUNT, WITHDRAW } from '../../system.ts';
import type { Pool } from './values.ts';

export async function poolOf(url: string): Promise<Pool> {
  const [alice, bob, olga] = await Promise.all([
    clientOf(url, 'alice'),
    clientOf(url, 'bob'),
    clientOf(url, 'olga', ['operator']),
  ]);
  const open = async (client: typeof alice, key: string) =>
    (await client.get<{ openAccount: { account: { id: string } } }>(OPEN_ACCOUNT, { name: key, key })).openAccount
      .account.id;
  const accounts = await Promise.all([
    open(alice, 'fuzz 1'),
    open(alice, 'fuzz 2'),
    open(olga, 'fuzz 3'),
    open(bob, 'fuzz 4'),
  ]);
  const [accountId] = accounts;
  const transact = async (document: string, amount: number, idempotencyKey: string) => {
    const data = await alice.get<Record<string, { transaction: { id: string } }>>(document, {
      input: { accountId, amount, idempotencyKey },
    });
    return Object.values(data).map(({ transaction }) => transaction.id);
  };
  const transactions = [
    ...(await transact(DEPOSIT, 10_000_000, 'fuzz 5')),
    ...(await transact(DEPOSIT, 100, 'fuzz 6')),
    ...(await transact(WITHDRAW, 50, 'fuzz 7')),
  ];
  const replay = async (input: string) =>
    (await olga.get<{ replay: { id: string } }>(`mutation { replay(input: ${input}) { id } }`)).replay.id;
  const replays = [await replay('{ service: "balance", dryRun: true }'), await replay('{ service: "account" }')];
  type Page = { pageInfo: { endCursor: string } };
  const cursorsOf = async () => {
    const { account, ...pages } = await alice.get<{ account: Record<string, Page>; accounts: Page }>(
      `query ($id: ID!) { accounts(first: 1) { pageInfo { endCursor } } account(id: $id) {
        transactions(first: 2) { pageInfo { endCursor } } ledger(first: 2) { pageInfo { endCursor } } } }`,
      { id: accountId },
    );
    return [...Object.values(pages), ...Object.values(account)].map(({ pageInfo }) => pageInfo.endCursor);
  };
  const cursors = await eventually(cursorsOf, all => all.every(Boolean));
  return { accounts, replays, ids: [...transactions, ...accounts.slice(0, 1), 'nothing'], cursors };
}
