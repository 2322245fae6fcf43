/** What a client sends: an operation as somebody, over HTTP or a socket; sometimes cut, doubled or wrapped wrongly. */
import fc, { type Arbitrary } from 'fast-check';
import { sometimes } from './chance.ts';
import { type Document, type Operation, write } from './document.ts';

export type Body = { query?: unknown; variables?: unknown; operationName?: unknown; extensions?: unknown };

export type Request = {
  as: 'alice' | 'olga';
  over: 'http' | 'socket';
  accept: string;
  body: Body | readonly unknown[] | string | number | boolean | null;
};

/** As it is sent: over HTTP with the numbers that JSON.stringify would write otherwise, which `values.ts` marks. */
export function textOf({ body, over }: Request): string {
  const text = JSON.stringify(body).replaceAll(/"@number:([^"]+)"/g, '$1');
  return over === 'http' ? text : JSON.stringify(JSON.parse(text));
}

/** Something done to a document, at a place in it from 0 to 1. */
type Twist = { name: string; twist(document: Document, place: number): Document };

const text = (name: string, change: (query: string, at: number) => string): Twist => ({
  name,
  twist: ({ query, variables }, place) => ({ query: change(query, Math.floor(place * query.length)), variables }),
});

const TWISTS: readonly Twist[] = [
  text('cut', (query, at) => query.slice(0, at)),
  text('one character gone', (query, at) => query.slice(0, at) + query.slice(at + 1)),
  text('one character doubled', (query, at) => query.slice(0, at + 1) + query.slice(at)),
  ...['\0', '\ufeff', '"', '"""', '#', '{', '}', '$', '&', '\ud800', '\\u{110000}', '🏃', '...', '@', '0', '|'].map(
    odd => text(`with ${JSON.stringify(odd)}`, (query, at) => query.slice(0, at) + odd + query.slice(at)),
  ),
  text('twice', query => `${query} ${query}`),
  text('another operation beside it', query => `${query} query Beside { __typename }`),
  text('a fragment that nobody uses', query => `${query} fragment Unused on Account { id }`),
  text('a fragment that nobody wrote', query => query.replace('{', '{ ...Nowhere')),
  text('a fragment within itself', query => `${query.replace('{', '{ ...Round')} fragment Round on Query { ...Round }`),
  text('a type beside it', query => `${query} type Query { a: Int }`),
  text('a scalar instead of it', () => 'scalar Nonsense'),
  text('nothing', () => ''),
  text('a comment', () => '# nothing'),
  text('one field many times', query => query.replace('{', `{ ${'__typename '.repeat(1_000)}`)),
  text('many names for one field', query => query.replace('{', `{ ${many(200, at => `n${at}: __typename`)}`)),
  text('too many tokens', query => query.replace('{', `{ ${'a '.repeat(5_000)}`)),
  text('fragments within each other', query =>
    query.replace('{', `{ ${'... { '.repeat(30)}__typename${' }'.repeat(30)}`),
  ),
  text('fragments that double', query => `${query.replace('{', '{ ...D0')} ${doubling(12)}`),
  text('lists within each other', query => query.replaceAll(/: \d+/g, `: ${'['.repeat(200)}${']'.repeat(200)}`)),
  text('a long name', query => query.replace('{', `{ ${'n'.repeat(3_000)}: __typename`)),
  text('a directive many times', query => query.replace('{', `{ __typename ${'@include(if: true) '.repeat(100)}`)),
  { name: 'no variables', twist: ({ query }) => ({ query, variables: {} }) },
  {
    name: 'other variables beside them',
    twist: ({ query, variables }) => ({ query, variables: { ...variables, v99: 1, constructor: { a: 1 }, $v0: null } }),
  },
];

const many = (count: number, item: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => item(at)).join(' ');

/** Each fragment is spread twice by the one before it. */
const doubling = (deep: number) =>
  `${many(deep, at => `fragment D${at} on Query { a: __typename ...D${at + 1} ...D${at + 1} }`)} ` +
  `fragment D${deep} on Query { __typename }`;

/** Over HTTP a body can be anything. */
const ODD_BODIES: readonly ((body: Body) => Request['body'])[] = [
  ...['Beside', '', 'Nowhere', '__proto__', 'x'.repeat(3_000), 0, 1, true, {}, [], null].map(
    operationName => (body: Body) => ({ ...body, operationName }),
  ),
  ...['', '{}', 0, true, [], [1], null, [{}], '\0'].map(variables => (body: Body) => ({ ...body, variables })),
  ...[null, 1, 'text', [], {}, { persistedQuery: { version: 1, sha256Hash: 'a' } }, { persistedQuery: 1 }].map(
    extensions => (body: Body) => ({ ...body, extensions }),
  ),
  ...[null, 1, {}, [], true, undefined].map(query => (body: Body) => ({ ...body, query })),
  ({ query: _, ...body }) => ({ ...body, extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
  body => [body, body],
  body => ({ ...body, id: '<client id>', http: { method: 'GET', search: '' } }),
  () => [],
  () => 'text',
  () => 1,
  () => true,
  () => null,
  () => ({}),
];

const ACCEPTS = ['application/json', 'application/graphql-response+json', '*/*', ''];
const ODD_ACCEPTS = ['text/html', 'multipart/mixed', 'application/json;q=0', 'nonsense', ', ', 'a/b;c="'];

/** A larger message ends the socket. */
const SOCKET_CHARS_MAX = 10_000;
const NOTHING = fc.constant(undefined);

export function requestsOf(operations: Arbitrary<Operation>): Arbitrary<Request> {
  return fc
    .record({
      operation: operations,
      as: fc.constantFrom('olga' as const, 'olga' as const, 'alice' as const),
      socketChance: fc.integer({ min: 0, max: 99 }),
      accept: sometimes(100, fc.constantFrom(...ACCEPTS), fc.constantFrom(...ODD_ACCEPTS)),
      twisted: sometimes(10, NOTHING, fc.tuple(fc.constantFrom(...TWISTS), fc.double({ min: 0, max: 1, noNaN: true }))),
      odd: sometimes(20, NOTHING, fc.constantFrom(...ODD_BODIES)),
    })
    .map(({ operation, as, socketChance, accept, twisted, odd }) => {
      const document = write(operation);
      const [how, place] = twisted ?? [];
      const body: Body = how ? how.twist(document, place ?? 0) : document;
      const small = JSON.stringify(body).length < SOCKET_CHARS_MAX;
      const over = small && socketChance < (operation.type === 'subscription' ? 95 : 20) ? 'socket' : 'http';
      return { as, over, accept, body: odd && over === 'http' ? odd(body) : body };
    });
}
