import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isUnionType,
  parse,
} from 'graphql';
import type { FetchRequest } from './fetch.ts';
import { type Data, isData } from './merge.ts';

/** Services with all that a plan can have: entities, `@requires`, `@interfaceObject`, unions, lists of lists, fields that clash. */
const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@shareable", "@requires", "@external", "@interfaceObject"])`;

const SERVICES: Record<string, string> = {
  catalog: `${LINK}
    type Query { product(id: ID!): Product  products(first: Int = 2): [Product!]!  search(text: String): [Found]  media(id: ID!): Media  named: [Named!] }
    type Mutation { rename(id: ID!, name: String!): Product }
    enum Colour { RED GREEN }
    scalar Any
    interface Named { name: String  depot: String }
    interface Media @key(fields: "id") { id: ID!  title: String! }
    type Book implements Media @key(fields: "id") { id: ID!  title: String!  pages: Int! }
    type Film implements Media @key(fields: "id") { id: ID!  title: String!  minutes: Float }
    type Product implements Named @key(fields: "id") {
      id: ID!  name: String  colour: Colour!  any: Any  price: Float!  weight: Int  grid: [[Int!]]  size: Size!  parts: [Part!]  like: [Product]  depot: String!
    }
    type Size { width: Int!  height: Int }
    type Part implements Named @key(fields: "code maker { id }") { code: String!  maker: Maker!  name: String  kind: Int  depot: String }
    type Maker implements Named @key(fields: "id") { id: ID!  name: String!  kind: String  depot: String! @external }
    union Found = Product | Part | Maker`,
  stock: `${LINK}
    type Query { shelves: [Shelf] }
    type Shelf { label: String!  products: [Product!]  nested: [[Product]] }
    type Product @key(fields: "id") {
      id: ID!  price: Float! @external  weight: Int @external  size: Size! @external
      count: Int!  available: Boolean  shipping: Float @requires(fields: "price weight size { width }")  shelf: Shelf
    }
    type Size @external { width: Int! }
    type Part @key(fields: "code maker { id }") { code: String!  maker: Maker!  left: Int! }
    type Maker @key(fields: "id") { id: ID!  depot: String! }`,
  reviews: `${LINK}
    type Query { latest: [Review!]! }
    type Review { id: ID!  text: String  stars: Int!  of: Product!  about: Media }
    type Product @key(fields: "id") { id: ID!  reviews(first: Int): [Review!]!  best: Review }
    type Media @key(fields: "id") @interfaceObject { id: ID!  reviews: [Review]  score: Float! }`,
};

const SCHEMAS = Object.entries(SERVICES).map(
  ([name, sdl]) => [name, buildSubgraphSchema([{ typeDefs: parse(sdl) }])] as const,
);

/** @throws when the services do not fit together. */
export function composedSdl(): string {
  const composed = composeServices(
    Object.entries(SERVICES).map(([name, sdl]) => ({ name, url: `http://${name}`, typeDefs: parse(sdl) })),
  );
  if (!composed.supergraphSdl) throw new Error(composed.errors?.map(({ message }) => message).join('\n'));
  return composed.supergraphSdl;
}

/** What may be wrong with a service's answers. */
export const FAULTS = ['none', 'holes', 'errors', 'strangers', 'refusal', 'rejection', 'no data'] as const;
export type Fault = (typeof FAULTS)[number];

/** Services that answer the same to the same, of data that depend on nothing but their place and a seed. */
export function faultySources(faults: Readonly<Record<string, Fault>>, seed: number) {
  return Object.fromEntries(
    SCHEMAS.map(([name, schema]) => {
      async function fetch({ query, variables }: FetchRequest): Promise<ExecutionResult> {
        const fault = faults[name] ?? 'none';
        if (fault === 'rejection') throw new Error(`${name} is out of reach`);
        if (fault === 'no data') return {};
        if (fault === 'refusal')
          return { errors: [new GraphQLError(`${name} refuses`, { extensions: { code: 'NO' } })] };
        const random = chance(`${seed} ${name} ${query} ${JSON.stringify(variables)}`);
        const result = await execute({
          ...{ schema, document: parse(query), variableValues: variables },
          fieldResolver: resolver(random, fault),
          typeResolver: value => (isData(value) ? String(value.__typename) : undefined),
        });
        return damaged(JSON.parse(JSON.stringify(result)), fault, random);
      }
      return [name, { fetch }];
    }),
  );
}

type Chance = () => number;

/** Numbers from 0 to 1, always the same after the same text. */
function chance(text: string): Chance {
  let state = [...text].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 2166136261);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: Chance, values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];

function resolver(random: Chance, fault: Fault): GraphQLFieldResolver<unknown, unknown> {
  return (source, { representations }, _context, { fieldName, returnType, schema, path }) => {
    if (fault === 'errors' && random() < 0.15) {
      throw new GraphQLError(
        random() < 0.1 ? '' : `no ${fieldName}`,
        random() < 0.5 ? { extensions: { code: 'NO' } } : {},
      );
    }
    if (fieldName === '_entities') return representations.map((each: unknown) => (random() < 0.1 ? null : each));
    const known = isData(source) ? source[fieldName] : undefined;
    return known ?? madeUp(returnType);

    function madeUp(type: GraphQLOutputType): unknown {
      if (isNonNullType(type)) return madeUp(type.ofType) ?? madeUp(type);
      if (random() < 0.1) return null;
      if (isListType(type)) return Array.from({ length: Math.floor(random() * 3) + 1 }, () => madeUp(type.ofType));
      if (isEnumType(type)) return pick(random, type.getValues())?.value;
      if (isUnionType(type) || isInterfaceType(type))
        return { __typename: pick(random, schema.getPossibleTypes(type))?.name };
      if (type.name === 'Boolean') return random() < 0.5;
      if (type.name === 'Int' || type.name === 'Float') return Math.floor(random() * 100);
      if (type.name === 'Any') return pick(random, [1, 'any', { any: [true] }, [{}]]);
      return 'getFields' in type ? {} : `${fieldName} ${Math.floor(random() * 5)} ${path.key}`;
    }
  };
}

/** What no service that is well would send: nulls where none may be, values of other types, entities too few. */
function damaged(result: ExecutionResult, fault: Fault, random: Chance): ExecutionResult {
  const errors = result.errors?.map(({ message, path, extensions }) => new GraphQLError(message, { path, extensions }));
  const { data } = result;
  if (data && (fault === 'holes' || fault === 'strangers')) damage(data, fault, random);
  return { ...(errors && { errors }), ...(data !== undefined && { data }) };
}

function damage(data: Data, fault: Fault, random: Chance): void {
  for (const [key, value] of Object.entries(data)) {
    const hurt = random() < 0.06;
    if (hurt && fault === 'holes') data[key] = null;
    else if (hurt && random() < 0.2) delete data[key];
    else if (hurt)
      data[key] = pick(random, ['Stranger', 'Product', 1.5, true, 1e22, [], [null], {}, { __typename: 'Int' }]);
    else for (const each of [value].flat(3)) if (isData(each)) damage(each, fault, random);
  }
}
