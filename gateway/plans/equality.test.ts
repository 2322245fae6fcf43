import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import { buildOperationContext, executeQueryPlan } from '@apollo/gateway';
import { QueryPlanner } from '@apollo/query-planner';
import fc from 'fast-check';
import { type ExecutionResult, GraphQLError, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import type { FetchRequest, FetchSource } from './fetch.ts';
import { composedSdl, FAULTS, type Fault, faultySources } from './fixture.ts';
import { planRunner } from './index.ts';

const supergraph = Supergraph.build(composedSdl());
const planner = new QueryPlanner(supergraph);
const apiSchema = supergraph.apiSchema();
const schema = apiSchema.toGraphQLJSSchema();
const supergraphSchema = supergraph.schema.toGraphQLJSSchema();

type Sources = Record<string, FetchSource<object>>;

/** How Apollo's executor says that an object came where there is a value already, and how ours does. */
const CLASH = /Cannot use 'in' operator to search for '\w+' in [^"]+|Subgraphs disagree on whether \w+ is an object/;

/** Whatever can be seen of an answer, in its order; but the errors of fetches that run at once come in any. */
async function seen(answer: Promise<ExecutionResult>): Promise<string> {
  const { data, errors, extensions } = await answer.catch((): ExecutionResult => ({ extensions: { rejected: true } }));
  // Apollo's executor passes on what a source throws.
  const told = errors?.map((error: Error) =>
    JSON.stringify(error instanceof GraphQLError ? error : { message: error.message }).replace(CLASH, 'a clash'),
  );
  return JSON.stringify({ data, errors: told?.sort(), extensions }, undefined, 1);
}

/** The answers of both executors, and how much both have fetched. */
async function answers(query: string, variables: Record<string, unknown>, sources: Sources) {
  const document = parse(query);
  const asked = operationFromDocument(apiSchema, document);
  const plan = planner.buildQueryPlan(asked);
  const requests = { ours: [] as string[], apollos: [] as string[] };
  const recorded = (by: string[]): Sources =>
    Object.fromEntries(
      Object.entries(sources).map(([name, { fetch }]) => [
        name,
        {
          async fetch(request: FetchRequest) {
            by.push(JSON.stringify([name, request.query, request.variables, request.operationName]));
            return fetch(request, {});
          },
        },
      ]),
    );
  const run = planRunner({ schema, supergraphSchema, sources: recorded(requests.ours) });
  const theirs = Object.entries(recorded(requests.apollos)).map(([name, { fetch }]) => [
    name,
    { process: ({ request }: { request: FetchRequest }) => fetch(request, {}) },
  ]);
  type Parameter = Parameters<typeof executeQueryPlan>;
  const apollos = executeQueryPlan(
    plan,
    Object.fromEntries(theirs),
    { request: { variables }, context: {}, metrics: {} } as unknown as Parameter[2],
    buildOperationContext({ schema, operationDocument: document }),
    supergraphSchema,
    apiSchema,
  );
  const theirAnswer = await seen(apollos);
  const answer = await seen(run({ plan, asked }, variables, {}));
  // After a rejection, what else ran in parallel goes on.
  await new Promise(setImmediate);
  return { answer, theirAnswer, requests };
}

const NAMED = `
  fragment P on Product { name count size { width } ...Q @include(if: $yes) }
  fragment Q on Product { shipping best { stars of { name } } __typename }
  fragment M on Media { id title score ... on Book { pages } }`;
const DECLARED = '($id: ID! = "1", $yes: Boolean! = true, $no: Boolean = false, $first: Int)';

const CASES = [
  '{ product(id: $id) { id name } }',
  '{ product(id: $id) { constructor: name __proto__: id toString: count hasOwnProperty: reviews { __proto__: stars } } }',
  '{ product(id: $id) { shipping } }',
  '{ product(id: $id) { name @skip(if: $yes) name @include(if: $yes) size @skip(if: $no) { width } size { height } } }',
  '{ a: products { ...P } b: products(first: $first) { like { ...Q grid } } }',
  '{ products { like { like { count reviews(first: $first) { of { shipping } } } } } }',
  '{ search(text: "x") { __typename x: __typename ... on Named { name } ... on Maker { kind depot } ... on Part { is: kind left maker { depot } } ... on Product { any count } } }',
  '{ media(id: $id) { ...M reviews { stars about { ...M ... on Film { minutes } } } } }',
  '{ latest { of { shelf { products { available } nested { count name } } } about { title } } shelves { nested { shipping } } }',
  'mutation { rename(id: $id, name: "n") { name count } again: rename(id: $id, name: "m") { best { stars } } }',
  '{ named { name depot ... on Maker { id } } search { ... on Named { depot name } } }',
  '{ __typename }',
  '{ __schema { queryType { name } } t: __type(name: "Product") @include(if: $yes) { name fields(includeDeprecated: $no) { name } } product(id: $id) { id } }',
  '{ product(id: $id) { ... @skip(if: $yes) { name } ... on Product @include(if: $no) { count } } }',
  '{ ... on Query @include(if: $yes) { product(id: $id) { name } } products @skip(if: $yes) { shipping } }',
];

/** The text, with the declarations that what is used in it needs. */
function complete(text: string): string {
  const fragments = new Set<string>();
  for (let grown = -1; grown < fragments.size; ) {
    grown = fragments.size;
    const all = [text, ...NAMED.split('\n').filter(line => fragments.has(line.trim().split(' ')[1] ?? ''))].join(' ');
    for (const [, name] of all.matchAll(/\.\.\.([PQM])\b/g)) fragments.add(name ?? '');
  }
  const used = NAMED.split('\n').filter(line => fragments.has(line.trim().split(' ')[1] ?? ''));
  const body = [text, ...used].join('\n');
  const declared = DECLARED.slice(1, -1)
    .split(', ')
    .filter(each => body.includes(each.split(':')[0] ?? ''));
  const [, kind = 'query', rest = ''] = /^(query|mutation)?(.*)$/s.exec(body) ?? [];
  return `${kind}${declared.length > 0 ? ` (${declared.join(', ')})` : ''} ${rest}`;
}

const VARIABLES = [{}, { id: '2', yes: false, no: true, first: 3 }, { yes: true, no: null }];

test.each(CASES)('%s', async text => {
  const query = complete(text);
  expect(validate(schema, parse(query))).toEqual([]);
  for (const fault of FAULTS) {
    for (const variables of VARIABLES) {
      for (const seed of [1, 2]) {
        const sources = faultySources(
          { catalog: fault === 'no data' ? 'none' : fault, stock: fault, reviews: fault },
          seed,
        );
        const { answer, theirAnswer, requests } = await answers(query, variables, sources);
        expect(answer, `${fault} ${seed}`).toBe(theirAnswer);
        expect(requests.ours).toEqual(requests.apollos);
      }
    }
  }
});

test('there is every kind of node and rewriting in the plans', () => {
  const plans = CASES.map(text =>
    JSON.stringify(planner.buildQueryPlan(operationFromDocument(apiSchema, parse(complete(text))))),
  );
  for (const kind of ['Sequence', 'Parallel', 'Flatten', 'Condition', 'ValueSetter', 'KeyRenamer']) {
    expect(plans.join()).toContain(`"kind":"${kind}"`);
  }
});

test('an object without fields in the place of a text is passed over, as if it had not come', async () => {
  const plain = faultySources({ catalog: 'none', stock: 'none', reviews: 'none' }, 1);
  const stock = {
    async fetch(request: FetchRequest): Promise<ExecutionResult> {
      const { data } = (await plain.stock?.fetch(request)) ?? {};
      for (const entity of [data?._entities].flat()) Object.assign(entity ?? {}, { __typename: {} });
      return { data };
    },
  };
  const { answer, theirAnswer } = await answers('{ products { shipping } }', {}, { ...plain, stock });
  expect(answer).toBe(theirAnswer);
  expect(answer).not.toContain('a clash');
});

/** What may be selected of each type, and what type that is. */
const FIELDS: Record<string, Record<string, string>> = {
  Query: {
    'product(id: $id)': 'Product',
    products: 'Product',
    'products(first: $first)': 'Product',
    search: 'Found',
    'media(id: $id)': 'Media',
    shelves: 'Shelf',
    latest: 'Review',
    named: 'Named',
  },
  Product: {
    id: '',
    name: '',
    colour: '',
    any: '',
    price: '',
    weight: '',
    grid: '',
    size: 'Size',
    parts: 'Part',
    like: 'Product',
    count: '',
    available: '',
    shipping: '',
    shelf: 'Shelf',
    'reviews(first: $first)': 'Review',
    best: 'Review',
  },
  Size: { width: '', height: '' },
  Part: { code: '', maker: 'Maker', name: '', kind: '', left: '' },
  Maker: { id: '', name: '', kind: '', depot: '' },
  Shelf: { label: '', products: 'Product', nested: 'Product' },
  Review: { id: '', text: '', stars: '', of: 'Product', about: 'Media' },
  Media: { id: '', title: '', reviews: 'Review', score: '' },
  Book: { id: '', title: '', pages: '' },
  Film: { id: '', title: '', minutes: '', score: '' },
  Named: { name: '', depot: '' },
  Found: {},
};
const WITHIN: Record<string, string[]> = {
  Found: ['Product', 'Part', 'Maker', 'Named'],
  Media: ['Book', 'Film'],
  Named: ['Product', 'Maker'],
  Product: ['Product', 'Named'],
};
const CONDITIONS = [
  '',
  '',
  '',
  '',
  ' @skip(if: $yes)',
  ' @include(if: $yes)',
  ' @skip(if: $no)',
  ' @include(if: false)',
];

function selectionOf(type: string, depth: number): fc.Arbitrary<string> {
  const field = fc
    .tuple(
      fc.constantFrom('__typename', ...Object.keys(FIELDS[type] ?? {})),
      fc.constantFrom('', '', 'also', 'constructor'),
      fc.constantFrom(...CONDITIONS),
    )
    .chain(([text, alias, condition]) => {
      const inner = FIELDS[type]?.[text] ?? '';
      const name = alias ? `${alias}: ${text}${condition}` : `${text}${condition}`;
      if (!inner) return fc.constant(name);
      return depth > 0 ? selectionOf(inner, depth - 1).map(within => `${name} ${within}`) : fc.constant('__typename');
    });
  const fragment = fc
    .tuple(fc.constantFrom(type === 'Query' ? 'Query' : type, ...(WITHIN[type] ?? [])), fc.constantFrom(...CONDITIONS))
    .chain(([on, condition]) =>
      selectionOf(on, Math.max(0, depth - 1)).map(within => `... on ${on}${condition} ${within}`),
    );
  const spread = fc.constantFrom(
    ...(type === 'Product' ? ['...P', '...Q'] : type === 'Media' ? ['...M'] : ['__typename']),
  );
  const one = fc.oneof({ weight: 6, arbitrary: field }, ...(depth > 0 ? [{ weight: 2, arbitrary: fragment }] : []), {
    weight: 1,
    arbitrary: spread,
  });
  return fc.array(one, { minLength: 1, maxLength: 5 }).map(all => `{ ${all.join(' ')} }`);
}

const fault = fc.constantFrom<Fault>('none', 'none', ...FAULTS);

test('any operation is answered as Apollo answers it, whatever is wrong with the services', async () => {
  await fc.assert(
    fc.asyncProperty(
      ...([
        selectionOf('Query', 4),
        fc.constantFrom(...VARIABLES),
        fc.record({ catalog: fault, stock: fault, reviews: fault }),
        fc.nat(1000),
      ] as const),
      async (text, variables, faults, seed) => {
        const query = complete(text);
        // Two fields of one name may not fit together.
        fc.pre(validate(schema, parse(query)).length === 0);
        const { answer, theirAnswer, requests } = await answers(query, variables, faultySources(faults, seed));
        expect(answer).toBe(theirAnswer);
        expect(requests.ours).toEqual(requests.apollos);
      },
    ),
    { numRuns: 150 },
  );
});
