/** Accounts, and deposits into them, over HTTP. */
import { headOf, isSuccess, requestOf } from './http.ts';
import { type Answered, closedLoop, openLoop, type Pace } from './pace.ts';

const OPEN = 'mutation ($input: OpenAccountInput!) { openAccount(input: $input) { account { id } } }';
const DEPOSIT = 'mutation ($input: TransactionInput!) { deposit(input: $input) { transaction { id } } }';
const OPENERS = 10;

export type Owner = { url: string; token: string };

/** Opens accounts. @returns their ids, as many as wanted; a few more may have been opened. */
export async function openAccounts({ url, token }: Owner, count: number): Promise<string[]> {
  const head = headOf(`${url}/graphql`, token);
  const ids: string[] = [];
  let asked = 0;
  const body = (n: number) => JSON.stringify({ query: OPEN, variables: { input: { name: `Account ${n}` } } });
  while (ids.length < count) {
    await closedLoop({
      url,
      clients: Math.min(OPENERS, count - ids.length),
      // Looks whether there are enough, and goes on.
      seconds: 0.05,
      request: () => requestOf(head, body(asked++)),
      onAnswer: ({ answer }) => ids.push(idIn(answer)),
    });
  }
  return ids.slice(0, count);
}

export function idIn(answer: string): string {
  const id = isSuccess(answer) && /"id":"([^"]+)"/.exec(answer)?.[1];
  if (!id) throw new Error(`not what was asked for: ${answer.slice(0, 1_000)}`);
  return id;
}

export type Deposits = { perSecond: number } | { clients: number };

/**
 * Deposits one cent into each account in turn, at a rate or by a number of clients.
 *
 * @param onDue told of each deposit before it is sent, in the order in which they are sent.
 */
export function deposit(
  { url, token }: Owner,
  accounts: readonly string[],
  how: Deposits & { seconds: number },
  onAnswer: (answered: Answered) => void = () => undefined,
  onDue: (account: string, dueMs: number) => void = () => undefined,
): Promise<number> {
  const head = headOf(`${url}/graphql`, token);
  const query = JSON.stringify(DEPOSIT);
  const pace: Pace = {
    url,
    seconds: how.seconds,
    request(n, dueMs) {
      const account = accounts[n % accounts.length] ?? '';
      onDue(account, dueMs);
      return requestOf(head, `{"query":${query},"variables":{"input":{"accountId":"${account}","amount":1}}}`);
    },
    onAnswer(answered) {
      idIn(answered.answer);
      onAnswer(answered);
    },
  };
  return 'clients' in how
    ? closedLoop({ ...pace, clients: how.clients })
    : openLoop({ ...pace, perSecond: how.perSecond });
}
