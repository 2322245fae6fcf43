import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, post, startGateway, tokenOf } from '../fixture.ts';

let started: Awaited<ReturnType<typeof startGateway>>;
let client: ReturnType<typeof connect>;
beforeAll(async () => {
  started = await startGateway();
  client = connect(started.gateway, await tokenOf('alice'));
});
afterAll(async () => {
  await client.dispose();
  await started.gateway.stop();
});

/** Fields of three services; `balanceAt` fails at its service, and leaves a hole. */
const FIELDS = [
  'id',
  'ownerId',
  'currency',
  '__typename',
  'balance { v: version amount __typename }',
  'balanceAt(version: 1) { amount }',
  'ledger(first: $first) { nodes { eventId, balance } pageInfo { endCursor } }',
  'statistics { deposits }',
];
const CONDITIONS = ['', '', '@skip(if: $yes)', '@include(if: $yes)', '@include(if: $no)'];

/** A field as it is or under another name, under a condition or not. */
const field = fc
  .tuple(fc.constantFrom(...FIELDS), fc.boolean(), fc.constantFrom(...CONDITIONS))
  .map(([text, renamed, condition]) => {
    const [, name, rest] = /^(\w+(?:\([^)]*\))?)(.*)$/.exec(text) ?? [];
    return `${renamed ? `also_${text.split(/\W/, 1)}: ` : ''}${name} ${condition}${rest}`;
  });
const fragment = fc.constantFrom(
  '...Named',
  '...Deep',
  '... on Account { currency }',
  '... @skip(if: $no) { openedAt }',
);
const selection = fc.array(fc.oneof({ weight: 4, arbitrary: field }, fragment), { minLength: 1, maxLength: 6 });

const FRAGMENTS = `
  fragment Named on Account { name ...Deep }
  fragment Deep on Account { ledger(first: $first) { nodes { version } } balance { amount } }`;

type Result = { data?: Record<string, unknown> | null; errors?: { path?: unknown[]; message: string }[] };

/** What can be compared of a result, whatever the root field is called. */
function comparable(root: string, { data, errors = [] }: Result) {
  const places = errors.map(({ path, message }) => [path?.slice(1), message.replace(/[\da-f-]{36}/, 'id')]);
  return { account: data?.[root] ?? null, places: places.map(place => JSON.stringify(place)).sort() };
}

test('a subscription answers with what a query for the same fields answers, errors and holes too', async () => {
  const variables = { id: 'a', yes: true, no: false, first: 3 };
  const declared = '($id: ID!, $yes: Boolean!, $no: Boolean!, $first: Int)';
  await fc.assert(
    fc.asyncProperty(selection, async fields => {
      // What is declared has to be used.
      const body = `...Named ...Deep y: id @include(if: $yes) n: id @skip(if: $no) ${fields.join(' ')}`;
      const query = `query ${declared} { account(id: $id) { ${body} } } ${FRAGMENTS}`;
      const subscription = `subscription ${declared} { balanceChanged(accountId: $id) { ${body} } } ${FRAGMENTS}`;
      const { json } = await post(started.gateway, { query, variables });
      const stream = client.iterate({ query: subscription, variables });
      const { value } = await stream.next();
      await stream.return?.(undefined);
      expect(json.data?.account, JSON.stringify(json)).toBeTruthy();
      expect(comparable('balanceChanged', value)).toEqual(comparable('account', json));
    }),
    { numRuns: 60 },
  );
});
