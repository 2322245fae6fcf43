import fc from 'fast-check';
import type { FindCursor } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { createEvent, type EventOf, readEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { createSystem, isReady, until, useServers } from '../../events/fixture.ts';
import { type Meddling, meddledWith } from '../../events/meddling.fixture.ts';
import { applyRules } from '../../events/rule.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { balanceUpdated } from '../../schema/events/balance-updated.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { service } from './index.ts';
import { createView, type TransactionEntry, topicOf, UNSETTLED } from './view.ts';

const urls = useServers();
const TIME = '2026-01-31T12:00:00.000Z';
type Update = EventOf<typeof balanceUpdated>;

async function started() {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const context = system.context('account');
  const view = createView(context);
  return {
    ...system,
    context,
    view,
    /** As the service acknowledges it. */
    async record(id: string, amountMinor: number, account = 'a') {
      const contract = amountMinor < 0 ? withdrawn : deposited;
      const data = { amountMinor: Math.abs(amountMinor), currency: 'EUR', channel: 'ACCOUNT' };
      const event = createEvent(contract, { id, source: '/account', subject: account, time: TIME, data });
      await context.outbox.append<TransactionEntry>(event, { account, time: TIME, settled: UNSETTLED });
    },
  };
}

const update = (version: number, eventId: string, amountMinor: number, balanceMinor: number, account = 'a'): Update =>
  createEvent(balanceUpdated, {
    id: `${account}/${version}`,
    source: '/balance',
    subject: account,
    time: TIME,
    data: { version, amountMinor, balanceMinor, currency: 'EUR', eventId, eventType: 'deposited', eventTime: TIME },
  });

/** A view, and how often it has asked. */
function counted(context: Parameters<typeof createView>[0]) {
  let asked = 0;
  const ask: Meddling = (itself, ...args) => {
    asked += 1;
    return itself(...args);
  };
  const view = createView({
    ...context,
    collection: (name: string) => meddledWith(context.collection(name), { find: ask, findOne: ask }),
  } as typeof context);
  return { view, queries: () => asked };
}

const available = async ({ look }: ReturnType<typeof createView>, id: string) => (await look(id)).availableMinor;

describe('what can be spent', () => {
  test('is nothing before the first transaction', async () => {
    const { view } = await started();
    expect(await available(view, 'a')).toBe(0);
  });

  test('is the balance and all that is not in it yet, deposits and withdrawals', async () => {
    const { view, record } = await started();
    await record('d1', 100);
    expect(await available(view, 'a')).toBe(100);
    await view.settle([update(1, 'd1', 100, 100)]);
    expect(await available(view, 'a')).toBe(100);
    await record('w2', -30);
    await record('d3', 5);
    expect(await available(view, 'a')).toBe(75);
    await view.settle([update(2, 'w2', -30, 70)]);
    expect(await available(view, 'a')).toBe(75);
    await view.settle([update(3, 'd3', 5, 75)]);
    expect(await available(view, 'a')).toBe(75);
  });

  test('is never less for a moment while a balance is settled', async () => {
    const { view, record } = await started();
    await record('d1', 100);
    const looks: Promise<number>[] = [];
    const settling = view.settle([update(1, 'd1', 100, 100)]);
    for (let look = 0; look < 20; look++) {
      looks.push(available(view, 'a'));
      await new Promise(resolve => setImmediate(resolve));
    }
    await settling;
    expect(new Set(await Promise.all(looks))).toEqual(new Set([100]));
  });

  test('is right when a balance is settled between its two looks', async () => {
    const { view, record, context } = await started();
    await record('d1', 100);
    await record('w2', -30);
    const between = () => view.settle([update(1, 'd1', 100, 100), update(2, 'w2', -30, 70)]);
    // A view whose first look is followed by a settlement.
    let looked = false;
    const interrupted = createView({
      ...context,
      collection: (name: string) =>
        meddledWith(context.collection(name), {
          find(itself, ...args) {
            const cursor = itself(...args) as FindCursor;
            const toArray = cursor.toArray.bind(cursor);
            cursor.toArray = async () => settledAfter(await toArray());
            return cursor;
          },
          findOne: async (itself, ...args) => settledAfter(await itself(...args)),
        }),
    } as typeof context);
    async function settledAfter<Found>(found: Found): Promise<Found> {
      if (!looked) {
        looked = true;
        await between();
      }
      return found;
    }
    expect(await available(interrupted, 'a')).toBe(70);
    expect(looked).toBe(true);
  });

  test('is right while news of balances comes in another order', async () => {
    const { view, record } = await started();
    await record('d1', 100);
    await record('d2', 50);
    await view.settle([update(2, 'd2', 50, 150)]);
    expect((await view.balanceOf('a')).amountMinor).toBe(150);
    expect(await available(view, 'a')).toBe(150);
    await view.settle([update(1, 'd1', 100, 100)]);
    expect(await available(view, 'a')).toBe(150);
  });

  test('comes with the account itself, met before or not, for two queries', async () => {
    const { view, record, context } = await started();
    const data = { ownerId: 'alice', name: 'Savings', currency: 'EUR' };
    const opened = createEvent(accountOpened, { id: 'a', source: '/account', subject: 'a', time: TIME, data });
    expect((await view.look('a')).account).toBeUndefined();
    await context.outbox.append(opened, { owner: 'alice', openedAt: TIME });
    await record('d1', 100);
    await view.settle([update(1, 'd1', 100, 100)]);
    await record('d2', 7);
    const { view: met, queries } = counted(context);
    const account = { ...data, id: 'a', openedAt: TIME };
    for (const look of [1, 2]) {
      expect(await met.look('a')).toEqual({ account, availableMinor: 107 });
      expect(queries()).toBe(2 * look);
      expect(met.knownFacts('a')).toEqual(account);
    }
    expect((await met.look('d1')).account).toBeUndefined();
    expect(await met.factsOf('d1')).toBeUndefined();
  });

  test("is not touched by another account's transactions", async () => {
    const { view, record } = await started();
    await record('d1', 100);
    await record('other', 7, 'b');
    expect([await available(view, 'a'), await available(view, 'b')]).toEqual([100, 7]);
  });
});

describe('settling', () => {
  test('is idempotent and free of order: any permutation, duplication or batching comes to the same', async () => {
    const { view, record, collection } = await started();
    const amounts = [100, -30, 5, -1];
    const updates = amounts.map((amount, index) => {
      const balance = amounts.slice(0, index + 1).reduce((sum, each) => sum + each, 0);
      return update(index + 1, `t${index + 1}`, amount, balance);
    });
    const batches = fc.array(fc.array(fc.constantFrom(...updates), { maxLength: 4, minLength: 1 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(batches, fc.shuffledSubarray(updates, { minLength: 4 }), async (some, all) => {
        await collection('account', 'events').deleteMany({});
        await collection('account', 'accounts').deleteMany({});
        for (const [index, amount] of amounts.entries()) await record(`t${index + 1}`, amount);
        for (const batch of [...some, all.slice(0, 2), all.slice(2)]) await view.settle(batch, { replay: true });
        expect(await view.balanceOf('a')).toMatchObject({
          version: 4,
          amountMinor: 74,
          asOf: TIME,
          known: { version: 4, amountMinor: 74 },
          ahead: [],
        });
        expect(await available(view, 'a')).toBe(74);
        const settled = await view.transactions.find().sort({ _id: 1 }).toArray();
        expect(settled.map(entry => entry.settled)).toEqual([1, 2, 3, 4]);
      }),
      { numRuns: 25 },
    );
  });

  test('asks for no mark that has just been put back with its transaction', async () => {
    const { context, record, view } = await started();
    await record('t1', 100);
    const transaction = (await view.transactions.findOne({ _id: 't1' }))?.event;
    await view.transactions.deleteMany({});
    if (!transaction) throw new Error('nothing was recorded');
    const { view: counting, queries } = counted(context);
    const settled = update(1, 't1', 100, 100);
    await counting.restore([transaction, settled], { replay: true });
    expect(await counting.settle([settled], { replay: true })).toEqual({ marked: 0, shown: 1 });
    // What is stored of the transaction, and of the account.
    expect(queries()).toBe(2);
    expect(await view.transactions.findOne({ _id: 't1' })).toMatchObject({ settled: 1 });
  });

  test('tells whoever watches the account, also when the view had it already', async () => {
    const { view, feed, record } = await started();
    await record('t1', 100);
    const watcher = feed.watch(topicOf('a'));
    await watcher.next();
    for (let times = 0; times < 2; times++) {
      await view.settle([update(1, 't1', 100, 100)]);
      expect((await watcher.next()).value).toMatchObject({
        message: { _id: 'a', version: 1, amountMinor: 100, asOf: TIME },
      });
    }
    await watcher.return?.();
  });

  test('shows the balance of an account whose transaction is not known here', async () => {
    const { view } = await started();
    await view.settle([update(1, 'elsewhere', 100, 100)]);
    await until(async () => (await view.balanceOf('a')).version === 1);
  });
});

describe('news that comes out of order', () => {
  test('is shown at once, and nothing that it contains is counted twice', async () => {
    const { view, record } = await started();
    await record('d1', 100);
    await record('d2', 20);
    await record('w3', -50);
    await view.settle([update(3, 'w3', -50, 70)]);
    expect(await view.balanceOf('a')).toMatchObject({ version: 3, amountMinor: 70 });
    expect(await available(view, 'a')).toBe(70);
    await view.settle([update(1, 'd1', 100, 100)]);
    expect(await view.balanceOf('a')).toMatchObject({ version: 3, amountMinor: 70 });
    expect(await available(view, 'a')).toBe(70);
    await view.settle([update(2, 'd2', 20, 120)]);
    expect(await available(view, 'a')).toBe(70);
  });

  test('never makes more, or less, spendable than there is, whatever the order and whatever is still to come', async () => {
    const { record, collection, context } = await started();
    const amounts = [100, -30, 5, -1, 60];
    const updates = amounts.map((amount, index) =>
      update(
        index + 1,
        `t${index + 1}`,
        amount,
        amounts.slice(0, index + 1).reduce((sum, each) => sum + each, 0),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(updates, { minLength: updates.length }), async order => {
        await collection('account', 'events').deleteMany({});
        await collection('account', 'accounts').deleteMany({});
        const view = createView(context);
        for (const [index, amount] of amounts.entries()) await record(`t${index + 1}`, amount);
        for (const one of order) {
          await view.settle([one]);
          expect(await available(view, 'a')).toBe(134);
        }
      }),
      { numRuns: 15 },
    );
  });
});

test('a row that was lost under a running service comes back with a replay', async () => {
  const system = createSystem(urls);
  await Promise.all([isReady(system.transport.redis), isReady(system.subscriber)]);
  const context = system.context('account');
  const { rules } = service.create(context);
  const updates = [update(1, 't1', 100, 100), update(2, 't2', -30, 70)];
  await applyRules(rules, updates, { replay: false });
  const accounts = context.collection('accounts');
  const facts = { _id: 'a', version: 2, amountMinor: 70 } as object;
  expect(await accounts.findOne()).toMatchObject(facts);
  await accounts.deleteMany({});
  await applyRules(rules, updates, { replay: true });
  expect(await accounts.findOne()).toMatchObject(facts);
});

test('balances come in the order asked for, zero where there is none', async () => {
  const { view } = await started();
  await view.settle([update(1, 't1', 100, 100, 'b')]);
  const rows = await view.balancesOf(['a', 'b', 'c']);
  expect(rows.map(({ _id, version, amountMinor }) => [_id, version, amountMinor])).toEqual([
    ['a', 0, 0],
    ['b', 1, 100],
    ['c', 0, 0],
  ]);
});

const stored = (id: string, source: string): Event => ({
  ...{ specversion: '1.0', id, source, type: deposited.type, subject: 'a', time: TIME },
  ...{ dataschema: 'urn:tributary:event:deposited:1', data: { amountMinor: 5, currency: 'EUR' } },
});

test('a replay puts back what the service has emitted, as the lake has it, and leaves alone what others have', async () => {
  const { view } = await started();
  const [own, others] = [stored('d1', '/account'), stored('d2', '/mobile')];
  const read = [own, others].map(event => readEvent(deposited, event));
  expect(await view.restore(read, { replay: true })).toBe(1);
  expect(await view.transactions.find().toArray()).toMatchObject([{ _id: 'd1', event: own, settled: UNSETTLED }]);
  expect(await view.restore(read, { replay: true })).toBe(0);
});

describe("another service's transaction", () => {
  test('is kept beside its own as it came, is never relayed again, and can be spent', async () => {
    const { view } = await started();
    const event = stored('d2', '/mobile');
    expect(await view.keep([readEvent(deposited, event), readEvent(deposited, stored('d1', '/account'))])).toBe(1);
    const rows = await view.transactions.find().toArray();
    expect(rows).toEqual([{ _id: 'd2', event, account: 'a', time: TIME, settled: UNSETTLED }]);
    expect(await available(view, 'a')).toBe(5);
    expect(await view.keep([readEvent(deposited, event)])).toBe(0);
  });

  test('that comes later than its balance, or at once with it, is marked with it all the same', async () => {
    const events = ['d2', 'd3', 'd4'].map(id => readEvent(deposited, stored(id, '/mobile')));
    const balances = [update(1, 'd2', 5, 5), update(2, 'd3', 5, 10), update(3, 'd4', 5, 15)];
    for (const order of ['before', 'after', 'at once'] as const) {
      const { view, context } = await started();
      const another = createView(context);
      if (order === 'before') await view.settle(balances);
      if (order === 'at once') await Promise.all([view.settle(balances), another.keep(events), view.keep(events)]);
      else await view.keep(events);
      if (order === 'after') await view.settle(balances);
      const rows = await view.transactions.find({ account: 'a' }).sort({ _id: 1 }).toArray();
      expect(rows.map(({ _id, settled }) => [_id, settled])).toEqual([
        ['d2', 1],
        ['d3', 2],
        ['d4', 3],
      ]);
      expect(await available(view, 'a')).toBe(15);
    }
  });
});
