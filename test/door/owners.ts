import { beforeAll, describe, expect, it } from 'vitest';
import { DEPOSIT, eventually, OPEN_ACCOUNT, WITHDRAW } from '../system.ts';
import type { Client, Door } from './door.ts';

/** Whatever of Alice's data appears in an answer has one of these in it. */
const HERS = { name: 'alices-own-name', memo: 'alices-own-memo', amount: 987_654_321 };
const KEY = 'a key that both use';

const ALL = `
  id ownerId name currency openedAt balance { amount version asOf }
  transactions { nodes { id amount memo } } ledger { nodes { amount eventId } }
  balanceAt { amount } statistics(interval: ALL) { deposited largest }`;

type Known = {
  account: string;
  transaction: string;
  cursors: { accounts: string; transactions: string; ledger: string };
};

export const owners = (doorNow: () => Door) =>
  describe("an owner gets nothing of another owner's account", () => {
    let hers: Known;
    let bob: Client;
    let own: string;

    beforeAll(async () => {
      const door = doorNow();
      hers = await aliceIn(door);
      bob = await door.client({ sub: 'bob' });
      own = (await opened(bob, 'bobs name')).id;
    });

    /** No answer holds anything of hers, besides ids that Bob has sent himself. */
    function expectNothing(text: string): void {
      for (const mark of ['alice', HERS.memo, String(HERS.amount)]) expect(text).not.toContain(mark);
    }

    it('by asking for it, and cannot tell it from one that is not there', async () => {
      for (const selection of [
        'id',
        ALL,
        'transactions { nodes { id } }',
        'ledger { nodes { version } }',
        'balance { amount }',
      ]) {
        const query = `query ($id: ID!) { account(id: $id) { ${selection} } }`;
        const [theirs, none] = [await bob.ask(query, { id: hers.account }), await bob.ask(query, { id: 'none' })];
        expect(theirs.text).toBe('{"data":{"account":null}}\n');
        expect([theirs.status, theirs.text]).toEqual([none.status, none.text]);
      }
    });

    it.each([
      'balance(after: $transaction) { amount }',
      'balanceAt(version: 1) { amount }',
      'balanceAt(time: "2100-01-01T00:00:00Z") { amount }',
      'statistics(interval: HOUR) { deposited }',
      'transactions(first: 100) { nodes { amount } }',
      'ledger(first: 100) { nodes { amount } }',
    ])('by asking for %s of it', async field => {
      const declared = field.includes('$transaction') ? '($id: ID!, $transaction: ID)' : '($id: ID!)';
      const answer = await bob.ask(`query ${declared} { account(id: $id) { ${field} } }`, {
        id: hers.account,
        transaction: hers.transaction,
      });
      expect(answer.text).toBe('{"data":{"account":null}}\n');
    });

    it('by asking for it beside his own', async () => {
      const query = `query ($own: ID!, $hers: ID!) { own: account(id: $own) { ${ALL} } hers: account(id: $hers) { ${ALL} } }`;
      const answer = await bob.ask(query, { own, hers: hers.account });
      expect(answer.data).toMatchObject({ own: { ownerId: 'bob' }, hers: null });
      expectNothing(answer.text);
    });

    it('by depositing into it or withdrawing from it, and cannot tell it from one that is not there', async () => {
      for (const mutation of [DEPOSIT, WITHDRAW]) {
        const tried = async (accountId: string) => {
          const { status, data, codes, messages } = await bob.ask(mutation, { input: { accountId, amount: 1 } });
          return { status, data, codes, message: messages[0]?.replace(accountId, 'ID') };
        };
        expect(await tried(hers.account)).toEqual(await tried('none'));
        expect(await tried(hers.account)).toMatchObject({ data: null, codes: ['NOT_FOUND'] });
      }
    });

    it('by subscribing to it, and cannot tell it from one that is not there', async () => {
      const watched = async (id: string) => {
        const query = `subscription ($id: ID!) { balanceChanged(accountId: $id) { ${ALL} } }`;
        const { codes, data, messages } = await bob.subscribe({ query, variables: { id } });
        return { codes, data: data ?? null, message: messages[0]?.replace(id, 'ID') };
      };
      expect(await watched(hers.account)).toEqual(await watched('none'));
      expect(await watched(hers.account)).toMatchObject({ data: null, codes: ['NOT_FOUND'] });
    });

    it('by waiting for one of its transactions in the balance of his own', async () => {
      const query = 'query ($id: ID!, $after: ID) { account(id: $id) { balance(after: $after) { amount } } }';
      const answer = await bob.ask(query, { id: own, after: hers.transaction });
      expect([answer.status, answer.codes, answer.data]).toEqual([400, ['BAD_USER_INPUT'], { account: null }]);
      const unknown = await bob.ask(query, { id: own, after: 'none' });
      expect(answer.messages[0]?.replace(hers.transaction, 'ID')).toBe(unknown.messages[0]?.replace('none', 'ID'));
    });

    it('by going on from its cursors', async () => {
      const page = await bob.ask(
        `query ($id: ID!, $a: String, $t: String, $l: String) {
          accounts(after: $a) { nodes { ownerId ${ALL} } }
          account(id: $id) { transactions(after: $t) { nodes { id amount memo } } ledger(after: $l) { nodes { amount } } } }`,
        { id: own, a: hers.cursors.accounts, t: hers.cursors.transactions, l: hers.cursors.ledger },
      );
      expect([page.status, page.codes]).toEqual([200, []]);
      expectNothing(page.text);
    });

    it('by using her idempotency keys: they are other keys in his mouth', async () => {
      const account = await opened(bob, 'bobs name', KEY);
      expect(account).toMatchObject({ ownerId: 'bob', name: 'bobs name' });
      expect(account.id).not.toBe(hers.account);
      const answer = await bob.ask(DEPOSIT, {
        input: { accountId: account.id, amount: 5, idempotencyKey: `${KEY} 2` },
      });
      expect(answer.data).toMatchObject({ deposit: { transaction: { amount: 5 } } });
      expectNothing(answer.text);
    });

    it("as an entity: the gateway has no such field, a service takes no word but the gateway's", async () => {
      const door = doorNow();
      const representations = [{ __typename: 'Account', id: hers.account, ownerId: 'bob' }];
      const query = `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Account { ${ALL} } } }`;
      const atGateway = await bob.ask(query, { representations });
      expect([atGateway.status, new Set(atGateway.codes)]).toEqual([400, new Set(['GRAPHQL_VALIDATION_FAILED'])]);
      const service = await bob.ask('{ _service { sdl } }');
      expect([service.status, service.codes]).toEqual([400, ['GRAPHQL_VALIDATION_FAILED']]);
      const identity = await door.identity({ ownerId: 'bob', operator: false });
      const own =
        'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Account { name balance { amount } } } }';
      const atService = await door.post(door.subgraph.url, { query: own, variables: { r: representations } }, identity);
      expect(atService.data).toEqual({ _entities: [null] });
    });

    it('in any page of accounts', async () => {
      const answer = await bob.ask(`{ accounts(first: 100) { nodes { ${ALL} } } }`);
      expect(answer.codes).toEqual([]);
      expect(answer.text).toContain('bobs name');
      expectNothing(answer.text);
    });

    it('not even as an operator, who sees it, may he move its money', async () => {
      const operator = await doorNow().client({ roles: ['operator'] });
      const seen = await operator.ask('query ($id: ID!) { account(id: $id) { ownerId name } }', { id: hers.account });
      expect(seen.data).toEqual({ account: { ownerId: 'alice', name: HERS.name } });
      const moved = await operator.ask(WITHDRAW, { input: { accountId: hers.account, amount: 1 } });
      expect([moved.data, moved.codes]).toEqual([null, ['NOT_FOUND']]);
    });
  });

type Opened = { id: string; ownerId: string; name: string };

async function opened(client: Client, name: string, key?: string): Promise<Opened> {
  const query = OPEN_ACCOUNT.replace('account { id', 'account { name id');
  const { data } = await client.ask(query, { name, key });
  return (data as { openAccount: { account: Opened } }).openAccount.account;
}

/** Alice, with an account in which something has happened, and what Bob has come to know of it. */
async function aliceIn(door: Door): Promise<Known> {
  const alice = await door.client({ sub: 'alice' });
  const { id } = await opened(alice, HERS.name, KEY);
  const input = { accountId: id, amount: HERS.amount, memo: HERS.memo, idempotencyKey: `${KEY} 2` };
  const { data } = await alice.ask(DEPOSIT, { input });
  const { id: transaction } = (data as { deposit: { transaction: { id: string } } }).deposit.transaction;
  await alice.ask(WITHDRAW, { input: { accountId: id, amount: 1, memo: HERS.memo } });
  // So that there is something of hers behind each of her cursors.
  await opened(alice, HERS.name);
  const page = '(first: 1) { pageInfo { endCursor } }';
  type Page = { pageInfo: { endCursor: string } };
  type Look = { accounts: Page; account: { transactions: Page; ledger: Page; balance: { version: number } } };
  const look = await eventually(
    async () => {
      const query = `query ($id: ID!) { accounts${page} account(id: $id) { balance { version } transactions${page} ledger${page} } }`;
      return (await alice.ask(query, { id })).data as Look;
    },
    ({ account }) => account.balance.version === 2,
  );
  return {
    account: id,
    transaction,
    cursors: {
      accounts: look.accounts.pageInfo.endCursor,
      transactions: look.account.transactions.pageInfo.endCursor,
      ledger: look.account.ledger.pageInfo.endCursor,
    },
  };
}
