import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Contract, createEvent, type EventOf } from './contract.ts';
import { deriveId, type Event } from './event.ts';
import { type Rule, rule } from './rule.ts';
import { type Alone, decisionScenarios, ruleScenarios, viewScenarios } from './scenario.ts';

const TIME = '2026-01-31T12:00:00.000Z';
const contract = (type: string): Contract<{ count: number }> => ({
  type,
  version: 1,
  description: 'Of a shop.',
  data: z.object({ count: z.int().positive() }),
});
const delivered = contract('delivered');
const sold = contract('sold');
const restocked = contract('restocked');

const of = (type: Contract<{ count: number }>, count: number, id = `${type.type} ${count}`) =>
  createEvent(type, { id, source: '/shop', subject: 'shelf', time: TIME, data: { count } });

class OutOfStock extends Error {
  override name = 'OutOfStock';
}

const given = decisionScenarios({
  initial: () => 0,
  evolve: (stock, { type, data }) =>
    type === sold.type ? stock - (data as { count: number }).count : stock + (data as { count: number }).count,
  decide(count: number, stock) {
    if (count === 0) return undefined;
    if (count > stock) throw new OutOfStock(`only ${stock} are left`);
    return count === stock ? [of(sold, count), of(restocked, 100)] : of(sold, count);
  },
});

/** What a scenario says when it does not hold. */
async function failureOf(scenario: () => unknown): Promise<string> {
  try {
    await scenario();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it holds');
}

test('a decision answers events, in their order, from what happened before', () => {
  given(of(delivered, 3))
    .when(2)
    .then({ type: 'sold', data: { count: 2 } });
  given(of(delivered, 3), of(sold, 1)).when(2).then({ type: 'sold' }, { type: 'restocked' });
  given(of(delivered, 3)).when(0).then();
});

test('or refuses, with a code and a message', () => {
  given(of(delivered, 3)).when(4).thenRefused('OutOfStock', 'only 3');
  given()
    .when(1)
    .thenRefused('OutOfStock', /^only 0 are left$/);
});

test('a scenario of a decision fails of another event, one too many, one too few, another code, another message', async () => {
  const one = given(of(delivered, 3)).when(1);
  const all = given(of(delivered, 3)).when(3);
  const refused = given().when(1);
  await failureOf(() => one.then({ type: 'restocked' }));
  await failureOf(() => one.then({ data: { count: 2 } }));
  await failureOf(() => one.then({ nothing: 'of that name' }));
  await failureOf(() => one.then());
  await failureOf(() => all.then({ type: 'sold' }));
  await failureOf(() => all.then({ type: 'restocked' }, { type: 'sold' }));
  await failureOf(() => one.then({ type: 'sold' }, { type: 'restocked' }));
  expect(await failureOf(() => one.thenRefused('OutOfStock'))).toBe('not refused: sold');
  expect(await failureOf(() => refused.thenRefused('NOT_FOUND'))).toContain('another code: only 0');
  expect(await failureOf(() => refused.thenRefused('OutOfStock', 'only 7'))).toContain('does not name "only 7"');
  await failureOf(() => refused.thenRefused('OutOfStock', /7/));
  expect(await failureOf(() => refused.then({}))).toBe('only 0 are left');
});

test('a part of what is expected may say that something is not there', async () => {
  const one = given(of(delivered, 3)).when(1);
  one.then({ correlationid: undefined });
  await failureOf(() => one.then({ subject: undefined }));
});

type Stock = { _id: string; revision: number; largest: number };
type Sold = EventOf<typeof sold>;
const idOf = ({ subject = '' }: Sold) => subject;
const largest = viewScenarios<Stock, Sold>({
  idOf,
  project: (row, { subject = '', data }) => ({
    _id: subject,
    revision: 0,
    largest: Math.max(row?.largest ?? 0, data.count),
  }),
});

test('a view shows what updates come to', async () => {
  const other = { ...of(sold, 1), subject: 'other' };
  largest(of(sold, 2)).when(of(sold, 5), other, of(sold, 3)).then({ _id: 'shelf', largest: 5 }, { largest: 1 });
  await failureOf(() => largest().when(of(sold, 2)).then({ largest: 3 }));
  await failureOf(() => largest().when(of(sold, 2)).then());
});

test('a view that counts twice, or shows what came last, fails', async () => {
  const total = viewScenarios<Stock, Sold>({
    idOf,
    project: (row, { subject = '', data }) => ({
      _id: subject,
      revision: 0,
      largest: (row?.largest ?? 0) + data.count,
    }),
  });
  expect(await failureOf(() => total().when(of(sold, 2)).then({ largest: 2 }))).toContain('twice');
  const last = viewScenarios<Stock, Sold>({
    idOf,
    project: (_, { subject = '', data }) => ({ _id: subject, revision: 0, largest: data.count }),
  });
  expect(await failureOf(() => last(of(sold, 1)).when(of(sold, 2)).then({ largest: 2 }))).toContain('order');
});

/** A service with one rule: what is sold is restocked. */
function shop(emit: (events: Event[], stored: Map<string, Event>, replay: boolean) => void): () => Alone {
  return () => {
    const stored = new Map<string, Event>();
    const rules: Rule[] = [rule([sold], async (events, how) => emit(events, stored, how?.replay ?? false))];
    return { rules, emitted: async () => [...stored.values()] };
  };
}

const restock = ({ id, data }: Event) => of(restocked, (data as { count: number }).count, deriveId('restocked', id));

test('rules emit what follows from what is delivered, once', async () => {
  const given = ruleScenarios(
    shop((events, stored) => {
      for (const event of events.map(restock)) if (!stored.has(event.id)) stored.set(event.id, event);
    }),
  );
  await given(of(sold, 1))
    .when(of(sold, 2), of(sold, 3))
    .then({ data: { count: 2 } }, { data: { count: 3 } });
  await given(of(sold, 1)).when(of(sold, 1), of(delivered, 1)).then();
  await failureOf(() => given().when(of(sold, 2)).then());
  await failureOf(() => given().when(of(sold, 2)).then({ type: 'sold' }));
  const broken = { ...of(sold, 2), data: { count: -2 } };
  expect(await failureOf(() => given().when(broken).then())).toContain('sold');
});

test('rules that emit more when it comes again, or comes from the lake, fail', async () => {
  const counting = ruleScenarios(
    shop((events, stored) => {
      for (const event of events) stored.set(`${stored.size}`, restock(event));
    }),
  );
  expect(await failureOf(() => counting().when(of(sold, 2)).then({}))).toMatch(/^delivered again, it emits more/);
  const repairing = ruleScenarios(
    shop((events, stored, replay) => {
      for (const event of events) stored.set(`${event.id} ${replay}`, restock(event));
    }),
  );
  expect(await failureOf(() => repairing().when(of(sold, 2)).then({}))).toMatch(/as a replay, it emits more/);
});
