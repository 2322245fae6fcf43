import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEvent, type EventOf } from '../../events/contract.ts';
import { deriveId, type Event } from '../../events/event.ts';
import { createSystem, useServers } from '../../events/fixture.ts';
import { outboxIndexes } from '../../events/outbox.ts';
import { applyRules, readThrough } from '../../events/rule.ts';
import { ruleScenarios } from '../../events/scenario.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { overdrawn } from '../../schema/events/overdrawn.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { alone } from '../../test/alone.ts';
import { service } from './index.ts';
import { type BalanceUpdated, indexes, type LedgerRow, nextBalance, overdraft } from './ledger.ts';

const urls = useServers();
const TIME = '2026-01-31T12:00:00.000Z';
type Transaction = EventOf<typeof withdrawn>;

/** A deposit, or with a negative amount a withdrawal. */
function transaction(id: string, amountMinor: number, account = 'a'): Transaction {
  const data = { amountMinor: Math.abs(amountMinor), currency: 'EUR', channel: 'ACCOUNT' };
  return createEvent(amountMinor < 0 ? withdrawn : deposited, {
    id,
    source: '/account',
    subject: account,
    time: TIME,
    data,
  });
}

/** The balances that come of transactions, one after the other. */
function balances(...amounts: number[]): BalanceUpdated[] {
  const all: BalanceUpdated[] = [];
  for (const amount of amounts) all.push(nextBalance(all.at(-1), transaction(`t${all.length + 1}`, amount), TIME));
  return all;
}

describe('the next balance', () => {
  test('adds a deposit, takes a withdrawal away, and names the transaction', () => {
    const [first, second] = balances(100, -30);
    expect(first).toMatchObject({
      type: 'balance-updated',
      source: '/balance',
      subject: 'a',
      causationid: 't1',
      correlationid: 't1',
      data: {
        version: 1,
        amountMinor: 100,
        balanceMinor: 100,
        currency: 'EUR',
        eventId: 't1',
        eventType: 'deposited',
        eventTime: TIME,
      },
    });
    expect(second?.data).toMatchObject({ version: 2, amountMinor: -30, balanceMinor: 70, eventType: 'withdrawn' });
  });

  test('has an id that follows from the account, the version and the cause alone', () => {
    const [first] = balances(100);
    expect(first?.id).toBe(deriveId('balance-updated', 'a', 1, 't1'));
    expect(nextBalance(undefined, transaction('t1', 100), '2027-01-01T00:00:00.000Z').id).toBe(first?.id);
  });

  test('is the sum, whatever the amounts', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.integer({ min: -1_000_000, max: 1_000_000 }).filter(amount => amount !== 0),
          { maxLength: 30 },
        ),
        amounts => {
          const last = balances(...amounts).at(-1)?.data;
          expect(last?.balanceMinor ?? 0).toBe(amounts.reduce((sum, amount) => sum + amount, 0));
          expect(last?.version ?? 0).toBe(amounts.length);
        },
      ),
    );
  });

  test('is refused when it could not be counted exactly', () => {
    expect(() => balances(Number.MAX_SAFE_INTEGER, 1)).toThrow(RangeError);
    expect(() => balances(-Number.MAX_SAFE_INTEGER, -1)).toThrow(RangeError);
    expect(balances(Number.MAX_SAFE_INTEGER, -1, 1).at(-1)?.data.balanceMinor).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('an overdraft', () => {
  const of = (...amounts: number[]) => overdraft(balances(...amounts).at(-1) as BalanceUpdated);

  test('is a withdrawal that leaves less than nothing', () => {
    expect(of(100, -130)).toMatchObject({
      type: overdrawn.type,
      subject: 'a',
      time: TIME,
      data: { version: 2, amountMinor: 130, balanceMinor: -30, eventId: 't2' },
    });
    expect(of(-1)).toMatchObject({ data: { balanceMinor: -1 } });
    expect(of(-1, -1)).toMatchObject({ data: { balanceMinor: -2 } });
  });

  test('is not a withdrawal that leaves nothing, nor a deposit into less than nothing', () => {
    expect([of(100, -100), of(-100, 50), of(100)]).toEqual([undefined, undefined, undefined]);
  });

  test('has one id, however often it is asked for', () => {
    expect(of(-1)?.id).toBe(of(-1)?.id);
  });
});

describe('the rules of the service', () => {
  const given = ruleScenarios(() => alone(service));

  test('answer a transaction with the new balance', async () => {
    await given(transaction('t1', 100))
      .when(transaction('t2', -30))
      .then({ type: 'balance-updated', subject: 'a', data: { version: 2, amountMinor: -30, balanceMinor: 70 } });
  });

  test('answer a balance of their own that is below zero with an overdraft', async () => {
    const [update] = balances(-30);
    await given(transaction('t1', -30))
      .when(update as BalanceUpdated)
      .then({ type: 'overdrawn', subject: 'a', causationid: update?.id, data: { balanceMinor: -30 } });
  });
});

async function started() {
  const system = createSystem(urls);
  const rows = system.collection<LedgerRow>('balance', 'events');
  await rows.createIndexes([...indexes.events, ...outboxIndexes]);
  const { rules } = service.create(system.context('balance'));
  return {
    rows,
    rules,
    /** As the consumer hands over what came through the queue. */
    consume: (events: readonly Event[], by = rules) =>
      applyRules(
        by,
        events.map(event => readThrough(by, JSON.parse(JSON.stringify(event)))),
        { replay: false },
      ),
    another: () => service.create(system.context('balance')).rules,
    /** The ledger as text, without the outbox's marks. */
    async ledger(): Promise<string[]> {
      const all = await rows
        .find({ chain: { $exists: true } })
        .sort({ chain: 1, version: 1 })
        .toArray();
      return all.map(({ pending, relayed, fence, ...row }) => JSON.stringify(row));
    },
    heads: async () => (await rows.find({ chain: 'a' }).sort({ version: -1 }).limit(1).toArray())[0]?.event.data,
  };
}

const TRANSACTIONS = [
  transaction('t1', 100),
  transaction('t2', -30),
  transaction('u1', 7, 'b'),
  transaction('t3', -90),
  transaction('t4', 50),
];

describe('the ledger', () => {
  test('counts each transaction once, and what it counts is pending to be relayed', async () => {
    const { rows, consume, heads } = await started();
    await consume(TRANSACTIONS);
    await consume([...TRANSACTIONS].reverse());
    expect(await heads()).toMatchObject({ version: 4, balanceMinor: 30, eventId: 't4' });
    expect(await rows.countDocuments({ pending: { $exists: true } })).toBe(TRANSACTIONS.length);
  });

  test('comes to the same balance in any order, any batches, by any number of processes', async () => {
    const { consume, another, heads, rows } = await started();
    const plans = fc.record({
      order: fc.shuffledSubarray(TRANSACTIONS, { minLength: TRANSACTIONS.length }),
      twice: fc.subarray(TRANSACTIONS),
      size: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(plans, async ({ order, twice, size }) => {
        await rows.deleteMany({});
        const processes = [another(), another()];
        const all = [...order, ...twice];
        const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
          all.slice(at * size, (at + 1) * size),
        );
        await Promise.all(batches.map((batch, index) => consume(batch, processes[index % 2])));
        expect(await heads()).toMatchObject({ version: 4, balanceMinor: 30 });
      }),
      { numRuns: 20 },
    );
  });

  test('tells of an overdraft once, when it hears of its own balance', async () => {
    const { rows, consume } = await started();
    await consume(TRANSACTIONS);
    const snapshots = (await rows.find({ chain: 'a' }).toArray()).map(({ event }) => event);
    await consume(snapshots);
    await consume(snapshots);
    const told = await rows.find({ 'event.type': overdrawn.type } as object).toArray();
    expect(told.map(({ event }) => event.data)).toMatchObject([
      { version: 3, amountMinor: 90, balanceMinor: -20, eventId: 't3' },
    ]);
  });
});

describe('a ledger that was damaged', () => {
  const next = transaction('t5', 1);

  test.each([
    ['the balance of the newest row', 4, { 'event.data.balanceMinor': 99_999 }],
    ['its amount', 4, { 'event.data.amountMinor': 51 }],
    ['the balance that it follows', 3, { 'event.data.balanceMinor': 7 }],
  ])('in %s publishes nothing that follows from it, and goes on when it is repaired', async (_, version, $set) => {
    const { rows, consume, another, rules, heads } = await started();
    await consume(TRANSACTIONS);
    const snapshots = (await rows.find({ chain: 'a' }).toArray()).map(({ event }) => event);
    await rows.updateOne({ chain: 'a', version }, { $set });
    const restarted = another();
    await expect(consume([next], restarted)).rejects.toThrow('chain a: version 4 does not follow from the one before');
    expect(await rows.countDocuments({ chain: 'a' })).toBe(4);
    expect(await applyRules(rules, snapshots, { replay: true })).toBe(1);
    await consume([next], restarted);
    expect(await heads()).toMatchObject({ version: 5, balanceMinor: 31 });
  });

  test('in a row that is lost goes on from what was published after it', async () => {
    const { rows, consume, another, heads } = await started();
    await consume(TRANSACTIONS);
    await rows.deleteOne({ chain: 'a', version: 3 });
    await consume([next], another());
    expect(await heads()).toMatchObject({ version: 5, balanceMinor: 31 });
  });
});

describe('a repair', () => {
  test("puts rows back that stand in each other's places", async () => {
    const { rows, consume, ledger, rules } = await started();
    await consume(TRANSACTIONS);
    const before = await ledger();
    const snapshots = (await rows.find({ chain: 'a' }).toArray()).map(({ event }) => event);
    for (const [from, to] of [
      [2, 99],
      [3, 2],
      [99, 3],
    ] as const) {
      await rows.updateOne({ chain: 'a', version: from }, { $set: { version: to } });
    }
    expect(await ledger()).not.toEqual(before);
    expect(await applyRules(rules, snapshots, { replay: true })).toBe(2);
    expect(await ledger()).toEqual(before);
    expect(await applyRules(rules, snapshots, { replay: true })).toBe(0);
  });

  test('puts back what was told of an overdraft as it was told', async () => {
    const { rows, consume, rules } = await started();
    await consume(TRANSACTIONS);
    await consume((await rows.find({ chain: 'a' }).toArray()).map(({ event }) => event));
    const told = { 'event.type': overdrawn.type } as object;
    const [before] = await rows.find(told).toArray();
    if (!before) throw new Error('nobody was told');
    await rows.updateOne(told, { $set: { 'event.data.amountMinor': 5 } });
    expect(await applyRules(rules, [before.event], { replay: true })).toBe(1);
    expect((await rows.findOne(told))?.event).toEqual(before.event);
    await rows.deleteOne(told);
    expect(await applyRules(rules, [before.event], { replay: true })).toBe(1);
    expect(await applyRules(rules, [before.event], { replay: true })).toBe(0);
  });
});

describe('an emptied ledger', () => {
  test('with the snapshots in any order is the same ledger, byte for byte; transactions again change nothing', async () => {
    const { rows, consume, another, ledger, heads } = await started();
    await consume(TRANSACTIONS);
    const before = await ledger();
    const snapshots = (await rows.find({ chain: { $exists: true } }).toArray()).map(({ event }) => event);
    expect(snapshots).toHaveLength(TRANSACTIONS.length);

    const orders = fc.tuple(
      fc.shuffledSubarray(snapshots, { minLength: snapshots.length }),
      fc.integer({ min: 1, max: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(orders, async ([order, size]) => {
        await rows.deleteMany({});
        const restarted = another();
        for (let at = 0; at < order.length; at += size) await consume(order.slice(at, at + size), restarted);
        expect(await ledger()).toEqual(before);
        await consume([...TRANSACTIONS].reverse(), restarted);
        await consume(order, restarted);
        expect(await ledger()).toEqual(before);
        expect(await rows.countDocuments({ chain: { $exists: true }, pending: { $exists: true } })).toBe(0);
        await consume([transaction('new', 1)], restarted);
        expect(await heads()).toMatchObject({ version: 5, balanceMinor: 31, eventId: 'new' });
      }),
      { numRuns: 15 },
    );
  });

  test('is restored before anything is counted, when snapshots and transactions come in one batch', async () => {
    const { rows, consume, another, ledger } = await started();
    await consume(TRANSACTIONS);
    const before = await ledger();
    const snapshots = (await rows.find({ chain: { $exists: true } }).toArray()).map(({ event }) => event);
    await rows.deleteMany({});
    await consume([...TRANSACTIONS, ...snapshots], another());
    expect(await ledger()).toEqual(before);
  });

  test('in which something was counted before it was restored says so, and loses no transaction', async () => {
    const { rows, consume, another } = await started();
    await consume(TRANSACTIONS);
    const snapshots = (await rows.find({ chain: 'a' }).toArray()).map(({ event }) => event);
    await rows.deleteMany({ chain: 'a' });
    // In a process that has just started and knows of nothing.
    await consume([transaction('blind', 1)], another());
    await expect(consume(snapshots)).rejects.toThrow('ledger of a: version 1 is not the published one');
    const causes = (await rows.find({ chain: 'a' }).sort({ version: 1 }).toArray()).map(({ cause }) => cause);
    expect(causes).toEqual(['blind', 't2', 't3', 't4']);
  });

  test('that lost a row in the middle gets it back, and a process that knew the head goes on from it', async () => {
    const { rows, consume, ledger, heads } = await started();
    await consume(TRANSACTIONS);
    const before = await ledger();
    const snapshots = (await rows.find({ chain: 'a' }).toArray()).map(({ event }) => event);
    await rows.deleteOne({ chain: 'a', version: 2 });
    await rows.deleteOne({ chain: 'a', version: 4 });
    await consume(snapshots);
    expect(await ledger()).toEqual(before);
    await consume([transaction('new', 1)]);
    expect(await heads()).toMatchObject({ version: 5, balanceMinor: 31 });
  });
});
