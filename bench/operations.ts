/** What is asked of the gateways. */
export type Operation = {
  title: string;
  query: string;
  /** Of the n-th request. */
  variables(n: number): Record<string, unknown>;
  /** What the answer to it contains, and to another one does not. */
  expected(n: number): string;
};

/** So many that none is asked for twice within seconds. */
export const ACCOUNTS = 100_000;
const accountOf = (n: number): string => `a${(n % ACCOUNTS) + 1}`;

/** A query of one subgraph, one of two, one after the other, and a mutation. */
export const OPERATIONS = {
  one: {
    title: 'one subgraph',
    query: 'query ($id: ID!) { account(id: $id) { id name balance { amount version } } }',
    variables: n => ({ id: accountOf(n) }),
    expected: n => `"id":"${accountOf(n)}"`,
  },
  two: {
    title: 'two subgraphs',
    query:
      'query ($id: ID!) { account(id: $id) { id name balance { amount version } ledger(first: 3) { nodes { version amount balance eventId } } } }',
    variables: n => ({ id: accountOf(n) }),
    expected: n => `"eventId":"${accountOf(n)}/1"`,
  },
  deposit: {
    title: 'mutation',
    query:
      'mutation ($input: TransactionInput!) { deposit(input: $input) { transaction { id amount } account { id balance { amount version } } } }',
    variables: n => ({ input: { accountId: accountOf(n), amount: n + 1 } }),
    expected: n => `"amount":${n + 1}}`,
  },
} satisfies Record<string, Operation>;
