import { getIntrospectionQuery, introspectionTypes, isObjectType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { post, startGateway } from '../fixture.ts';

let started: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  started = await startGateway({ introspection: true });
});
afterAll(() => started.gateway.stop());

const ask = (query: string) => post(started.gateway, { query });

test("a tool's introspection is answered", async () => {
  const full = getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true });
  for (const query of [getIntrospectionQuery(), full]) {
    const { status, json } = await ask(query);
    expect([status, json.errors]).toEqual([200, undefined]);
  }
});

/** For each type of introspection, a way to one of its kind. */
const PATHS: Record<string, string> = {
  __Schema: '__schema { FIELD }',
  __Directive: '__schema { directives { FIELD } }',
  __Type: '__type(name: "Account") { FIELD }',
  __Field: '__type(name: "Account") { fields { FIELD } }',
  __InputValue: '__type(name: "Account") { fields { args { FIELD } } }',
  __EnumValue: '__type(name: "EventOrder") { enumValues { FIELD } }',
};

const fields = introspectionTypes.filter(isObjectType).flatMap(type =>
  Object.values(type.getFields()).flatMap(({ name, args, type: of }) => {
    const selection = /__(Type|Field|InputValue|EnumValue|Directive)/.test(String(of)) ? ' { __typename }' : '';
    const given = args.map(argument => `(${argument.name}: true)`);
    return ['', ...given].map(part => `{ ${PATHS[type.name]?.replace('FIELD', `${name}${part}${selection}`)} }`);
  }),
);

test.each(fields)('what the schema says of itself is answered or refused, and surprises nothing: %s', async query => {
  const { status, json } = await ask(query);
  if (status === 200) expect(json.errors).toBeUndefined();
  else expect([status, json.errors[0].extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
});

test.each([
  ['left out', '{ ... on Query @skip(if: true) { __type(name: "Query") { name } } }'],
  ['maybe there', 'query ($is: Boolean = true) { ... @include(if: $is) { ... { __schema { description } } } }'],
  ['in such a fragment by name', '{ ...F @include(if: true) ...F } fragment F on Query { __schema { description } }'],
])('introspection that is %s is refused, since Apollo cannot plan it', async (_, query) => {
  const { status, json } = await ask(query);
  expect([status, json.errors[0].extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
});

test.each([
  '{ ... on Query { __type(name: "Query") { name } } }',
  '{ __type(name: "Query") @include(if: true) { name } }',
  '{ ... @include(if: true) { __typename } }',
])('%s is answered', async query => {
  const { status, json } = await ask(query);
  expect([status, json.errors]).toEqual([200, undefined]);
});
