/** The history of a bank, as its services would have emitted it: accounts, deposits, and the balance after each. */
import { createEvent } from '../../events/contract.ts';
import type { Event } from '../../events/event.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import { type BalanceUpdated, nextBalance } from '../../subgraphs/balance/ledger.ts';

const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
/** As if a hundred deposits a second had been made. */
const STEP_MS = 10;

/**
 * @param ownerOf by the account's number.
 * @returns batches of events, each at most `batch` long.
 */
export function* history(
  events: number,
  accounts: number,
  batch: number,
  ownerOf: (account: number) => string = account => `owner ${account}`,
): Generator<Event[]> {
  const heads = new Map<number, BalanceUpdated>();
  let some: Event[] = [];
  let made = 0;
  function* add(event: Event): Generator<Event[]> {
    some.push(event);
    made += 1;
    if (some.length < batch && made < events) return;
    yield some;
    some = [];
  }
  const at = (step: number) => new Date(START_MS + step * STEP_MS).toISOString();
  for (let account = 0; account < accounts && made < events; account++) {
    const data = { ownerId: ownerOf(account), name: 'Everyday', currency: 'EUR' };
    yield* add(
      createEvent(accountOpened, { id: idOf(account), source: '/account', subject: idOf(account), time: at(0), data }),
    );
  }
  for (let step = 1; made < events; step++) {
    const account = step % accounts;
    const deposit = createEvent(deposited, {
      ...{ id: `d-${step}`, source: '/account', subject: idOf(account), time: at(step), correlationid: `d-${step}` },
      data: { amountMinor: 1 + (step % 1_000), currency: 'EUR', channel: 'ACCOUNT' },
    });
    yield* add(deposit);
    if (made === events) return;
    const balance = nextBalance(heads.get(account), deposit, at(step));
    heads.set(account, balance);
    yield* add(balance);
  }
}

export const idOf = (account: number) => `account-${account}`;
