import { buildSchema, type DocumentNode, getOperationAST, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { type Cost, costWith, operationCost } from './cost.ts';

const schema = buildSchema(/* GraphQL */ `
  type Query { account(id: ID): Account  accounts(first: Int = 20): Accounts!  all: [Account!]!  some(first: Int): [Account!]!  endless: Node }
  type Accounts { nodes: [Account!]!  size: Int! }
  type Account { id: ID!  tags: [String!]!  balance: Balance!  entries(first: Int = 50): Entries! }
  type Balance { amount: Int! }
  type Entries { nodes: [Entry!]! }
  type Entry { id: ID! }
  type Node { next: Node  more(first: Int): Nodes }
  type Nodes { nodes: [Node!]! }
`);

function costOf(text: string): Cost {
  const document: DocumentNode = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const definition = getOperationAST(document);
  if (!definition) throw new Error('no operation');
  return operationCost(schema, document, definition);
}

test.each([
  ['a value counts 1', '{ __typename }', 1],
  ['an object counts 10, and what is in it', '{ account { id balance { amount } } }', 10 + 1 + 10 + 1],
  ['a list of values is a value', '{ account { tags } }', 10 + 1],
  ['a page counts its nodes as often as it may have some', '{ accounts(first: 7) { nodes { id } } }', 10 + 10 + 7],
  ['what is beside the nodes counts once', '{ accounts(first: 7) { size nodes { id } } }', 10 + 1 + 10 + 7],
  ["a page without a size has the schema's", '{ accounts { nodes { id } } }', 10 + 10 + 20],
  ['null is no size', '{ accounts(first: null) { nodes { id } } }', 10 + 10 + 20],
  ['no page is larger than 100', '{ accounts(first: 100000) { nodes { id } } }', 10 + 10 + 100],
  ['a page smaller than 1 will be refused', '{ accounts(first: -5) { nodes { id } } }', 10 + 10 + 20],
  [
    'pages within pages multiply',
    '{ accounts(first: 7) { nodes { entries(first: 3) { nodes { id } } } } }',
    10 + 10 + 7 * (10 + 10 + 3),
  ],
  ['a list without a size is taken to hold 10', '{ all { id } }', 10 + 10],
  ['a list may have a size itself', '{ some(first: 3) { id } }', 10 + 3],
  ['the same again counts again', '{ a: account { id } b: account { id } }', 2 * (10 + 1)],
  ['a directive hides nothing', '{ account { id @skip(if: true) } }', 10 + 1],
  ['inline fragments are opened', '{ ... { account { ... on Account { id } } } }', 10 + 1],
  ['so are others', '{ ...F } fragment F on Query { account { ...G } } fragment G on Account { id }', 10 + 1],
  [
    'a fragment costs by the page that it stands in',
    '{ a: accounts(first: 2) { ...F } b: accounts(first: 30) { ...F } } fragment F on Accounts { nodes { id } }',
    10 + 10 + 2 + 10 + 10 + 30,
  ],
])('%s: %s', (_, text, cost) => {
  expect(costOf(text)).toEqual({ least: cost });
});

test('a page size may come as a variable, and is read as the services read it', () => {
  const cost = costOf('query ($n: Int) { accounts(first: $n) { nodes { id tags } } }');
  expect(cost.least).toBe(10 + 10 + 2);
  const costs = [{ n: 5 }, { n: 1_000_000 }, { n: -5 }, { n: 0 }, { n: null }, {}, { n: '5' }, { n: { $gt: 1 } }];
  expect(costs.map(variables => costWith(cost, variables))).toEqual(
    [5, 100, 20, 20, 20, 20, 20, 20].map(size => 10 + 10 + 2 * size),
  );
});

test("a variable's own default holds when none is given", () => {
  const cost = costOf('query ($n: Int = 3) { accounts(first: $n) { nodes { id } } }');
  const costs = [{}, { n: 4 }, { n: null }].map(variables => costWith(cost, variables));
  expect(costs).toEqual([3, 4, 20].map(size => 10 + 10 + size));
});

test('variables multiply as well', () => {
  const cost = costOf(
    'query ($n: Int, $m: Int) { accounts(first: $n) { nodes { id entries(first: $m) { nodes { id } } } } account { id } }',
  );
  expect(costWith(cost, { n: 7, m: 3 })).toBe(10 + 10 + 7 * (1 + 10 + 10 + 3) + 10 + 1);
});

test('fragments that double with each other are counted at once, though they cost more than can be', () => {
  const fragments = (spread: (next: number) => string) =>
    Array.from({ length: 20 }, (_, level) => `fragment F${level} on Node { ${spread(level + 1)} }`).join(' ');
  const text = (spread: (next: number) => string) =>
    `query ($n: Int) { endless { ...F0 } } ${fragments(spread)} fragment F20 on Node { more(first: $n) { nodes { __typename } } }`;
  const { user: before } = process.cpuUsage();
  const doubled = parse(text(next => `a: next { ...F${next} } b: next { ...F${next} }`));
  const merged = parse(text(next => `...F${next} ... on Node { ...F${next} }`));
  const costs = [doubled, merged].map(document => {
    const definition = getOperationAST(document);
    return definition ? operationCost(schema, document, definition).least : 0;
  });
  expect(costs[0]).toBeGreaterThan(2 ** 20);
  expect(costs[1]).toBe(10 + 10 + 10 + 1);
  // Of the processor, in microseconds: others may use it meanwhile.
  expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
});
