import { expect, test } from 'vitest';
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { createSystem, useServers } from '../../events/fixture.ts';
import { applyRules } from '../../events/rule.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { withdrawn } from '../../schema/events/withdrawn.ts';
import { service } from './index.ts';
import { type BalanceUpdated, type LedgerRow, nextBalance } from './ledger.ts';

const urls = useServers();
const at = (second: number) => `2026-01-31T12:00:${String(second).padStart(2, '0')}.000Z`;

const deposit = (id: string, amountMinor: number, second: number) =>
  createEvent(deposited, {
    ...{ id, source: '/account', subject: 'a', time: at(second) },
    data: { amountMinor, currency: 'EUR', channel: 'ACCOUNT' },
  });

const withdrawal = (id: string, amountMinor: number, second: number) =>
  createEvent(withdrawn, {
    ...{ id, source: '/account', subject: 'a', time: at(second) },
    data: { amountMinor, currency: 'EUR' },
  });

/** The balances that a ledger publishes for transactions, beginning after one. */
function published(
  after: BalanceUpdated | undefined,
  transactions: readonly Event[],
  second: number,
): BalanceUpdated[] {
  const balances: BalanceUpdated[] = [];
  for (const transaction of transactions) {
    balances.push(nextBalance(balances.at(-1) ?? after, transaction as ReturnType<typeof deposit>, at(second)));
  }
  return balances;
}

async function copy() {
  const system = createSystem(urls);
  const context = system.context('balance');
  for (const [name, wanted] of Object.entries(service.indexes))
    await context.collection(name).createIndexes([...wanted]);
  const { rebuilding } = service.create(context);
  const rows = context.collection<LedgerRow>('events');
  return {
    apply: (events: readonly Event[]) => applyRules(rebuilding?.rules ?? [], events, { replay: false }),
    adopt: async () => Object.fromEntries((await rebuilding?.adopt?.(null)) ?? []),
    ledger: async () =>
      (await rows.find({ chain: 'a' }).sort({ version: 1 }).toArray()).map(row => ({
        version: row.version,
        cause: row.cause,
        balance: row.event.data.balanceMinor,
        isToBeRelayed: row.pending !== undefined,
      })),
  };
}

const shown = (version: number, cause: string, balance: number, isToBeRelayed = false) => ({
  version,
  cause,
  balance,
  isToBeRelayed,
});

const transactions = ['t1', 't2', 't3', 't4'].map((id, index) => deposit(id, 10, index));
const sound = published(undefined, transactions, 10);

test('a ledger is the one that was published, in whatever order it is heard of', async () => {
  for (const events of [[...sound, ...transactions], [...transactions].concat([...sound].reverse() as never)]) {
    const { apply, adopt, ledger } = await copy();
    for (const event of events) await apply([event]);
    await apply(events);
    expect(await adopt()).toEqual({});
    expect(await ledger()).toEqual([shown(1, 't1', 10), shown(2, 't2', 20), shown(3, 't3', 30), shown(4, 't4', 40)]);
  }
});

test('what nobody has counted is counted when the copy is adopted, and published after that', async () => {
  const { apply, adopt, ledger } = await copy();
  await apply([...transactions, deposit('t5', 7, 5), ...sound]);
  expect(await ledger()).toHaveLength(4);
  expect(await adopt()).toEqual({ a: 1 });
  expect((await ledger()).at(-1)).toEqual(shown(5, 't5', 47, true));
  expect(await adopt()).toEqual({});
});

test('of two balances that were published for one place the earlier stands, and nothing of the others is lost', async () => {
  // The row of t4 was lost, and what came after it was counted as if it had never been.
  const [b, c] = [deposit('b', 100, 20), deposit('c', 1_000, 21)];
  const late = published(sound[2], [b, c], 22);
  expect(late.map(({ data }) => [data.version, data.balanceMinor])).toEqual([
    [4, 130],
    [5, 1_130],
  ]);
  for (const snapshots of [[...sound, ...late], [...late, ...sound], [...late].reverse().concat(sound)]) {
    const { apply, adopt, ledger } = await copy();
    await apply(snapshots);
    await apply([...transactions, b, c]);
    expect(await adopt()).toEqual({ a: 3 });
    expect(await ledger()).toEqual([
      ...[shown(1, 't1', 10), shown(2, 't2', 20), shown(3, 't3', 30), shown(4, 't4', 40)],
      ...[shown(5, 'b', 140, true), shown(6, 'c', 1_140, true)],
    ]);
  }
});

test('a withdrawal that is counted again is one again', async () => {
  const out = withdrawal('out', 5, 20);
  const late = published(sound[2], [out], 22);
  for (const events of [
    [...sound, ...late],
    [...late, ...sound],
  ]) {
    const { apply, adopt, ledger } = await copy();
    // The transaction itself is never heard of: what was published of it has to do.
    await apply(events);
    expect(await adopt()).toMatchObject({ a: expect.any(Number) });
    expect((await ledger()).at(-1)).toEqual(shown(5, 'out', 35, true));
  }
});

test('what does not add up at its end is cut out and counted again, before anything is counted behind it', async () => {
  const [first, second, third, fourth] = sound;
  if (!first || !second || !third || !fourth) throw new Error('four balances were published');
  const wrong = { ...fourth, data: { ...fourth.data, balanceMinor: 999 } };
  const { apply, adopt, ledger } = await copy();
  await apply([first, second, third, wrong, deposit('t5', 7, 5)]);
  // The row that was wrong, and the two that took its place.
  expect(await adopt()).toEqual({ a: 3 });
  const right = [shown(1, 't1', 10), shown(2, 't2', 20), shown(3, 't3', 30)];
  expect(await ledger()).toEqual([...right, shown(4, 't5', 37, true), shown(5, 't4', 47, true)]);
  expect(await adopt()).toEqual({});
});

test('however much nobody has counted, all of it is', async () => {
  const { apply, adopt, ledger } = await copy();
  const many = Array.from({ length: 1_001 }, (_, index) => deposit(`m${index}`, 1, 30));
  await apply(many);
  expect(await adopt()).toEqual({ a: many.length });
  expect((await ledger()).at(-1)).toMatchObject({ version: many.length, balance: many.length });
});

test('of two balances that were published for one transaction the earlier stands, and what followed the later is counted again', async () => {
  const [twice, after] = [deposit('t5', 5, 20), deposit('t6', 6, 21)];
  const right = published(sound[3], [twice], 22);
  // The rows of t3 and t4 were lost when it was counted for the second time, and that of its first balance.
  const wrong = published(sound[1], [after, twice], 23);
  for (const events of [
    [...sound, ...right, ...wrong],
    [...wrong, ...right, ...sound],
  ]) {
    const { apply, adopt, ledger } = await copy();
    await apply(events);
    await adopt();
    // What stands was published: it is not again.
    expect(await ledger()).toEqual([
      ...[shown(1, 't1', 10), shown(2, 't2', 20), shown(3, 't3', 30), shown(4, 't4', 40), shown(5, 't5', 45)],
      shown(6, 't6', 51, true),
    ]);
  }
});
