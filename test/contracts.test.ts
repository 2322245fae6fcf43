/** The gate: what was promised is kept, what was stored is read, and what is made of the contracts and the SDL is up to date. */
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Contract, contract, readEvent, versionsOf } from '../events/contract.ts';
import type { Event } from '../events/event.ts';
import { parseEnvelope } from '../events/event.ts';
import { loadContracts } from '../schema/catalog.ts';
import { jsonSchemaOf } from '../schema/jsonschema.ts';
import { generatedFile, generateTypes, generateTypesOf } from '../scripts/codegen.ts';
import { asyncApiFile, composeAsyncApi, typedFolders } from '../scripts/generate.ts';
import { ADVICE, brokenBy, lastRelease, type Release, releaseNow } from '../scripts/release.ts';
import { readCorpus } from './corpus.ts';
import { definitions, stateAfter } from './order.ts';

const contracts = await loadContracts();
const corpus = readCorpus();
const last = lastRelease();

describe('what the last release promised', () => {
  test('is kept', async () => {
    expect(brokenBy(last, await releaseNow()), ADVICE).toEqual([]);
  });

  const released = (data: z.ZodType, version = 1): Release['events'] => ({
    [`thing.${version}`]: jsonSchemaOf({ type: 'thing', version, description: 'A thing.', data }),
  });
  const before = z.object({
    name: z.string().max(20),
    amount: z.int(),
    kind: z.enum(['small', 'large']),
    memo: z.string().optional(),
    parts: z.array(z.object({ weight: z.number() })),
  });
  const eventsBrokenBy = (after: z.ZodType) =>
    brokenBy({ ...last, events: released(before) }, { ...last, events: released(after) });

  test.each<[string, z.ZodType, RegExp]>([
    ['a field that is removed', before.omit({ memo: true }), /^event thing\.1: data\.memo: is removed$/],
    ['a new field that is required', before.extend({ unit: z.string() }), /data\.unit: is new and required/],
    ['an optional field that is required now', before.required({ memo: true }), /data\.memo: is required now/],
    ['a required field that is optional now', before.partial({ name: true }), /data\.name: is optional now/],
    ['another type', before.extend({ amount: z.string() }), /data\.amount: type is "string", was "integer"/],
    [
      'a narrowed type',
      before.extend({ parts: z.array(z.object({ weight: z.int() })) }),
      /data\.parts\[\]\.weight: type is "integer"/,
    ],
    ['a narrowed bound', before.extend({ name: z.string().max(10) }), /data\.name: maxLength is 10, was 20: narrower/],
    [
      'a new bound',
      before.extend({ amount: z.int().min(1) }),
      /data\.amount: minimum is 1, was -9007199254740991: narrower/,
    ],
    ['a widened bound', before.extend({ name: z.string().max(30) }), /data\.name: maxLength is 30, was 20: wider/],
    [
      'a new pattern',
      before.extend({ name: z.string().max(20).regex(/^a/) }),
      /data\.name: pattern is "\^a", was not there/,
    ],
    [
      'a value that is removed',
      before.extend({ kind: z.enum(['small']) }),
      /data\.kind: (the value "large" is removed|const)/,
    ],
    ['a new value', before.extend({ kind: z.enum(['small', 'large', 'huge']) }), /data\.kind: the value "huge" is new/],
    [
      'a field deep inside that is removed',
      before.extend({ parts: z.array(z.object({})) }),
      /data\.parts\[\]\.weight: is removed/,
    ],
    ['a renamed field', before.omit({ name: true }).extend({ title: z.string() }), /data\.name: is removed/],
    ['unknown fields that are refused now', z.strictObject(before.shape), /data\.\*/],
  ])('would be broken by %s', (_, after, named) => {
    expect(eventsBrokenBy(after).join('\n')).toMatch(new RegExp(named, 'm'));
  });

  test('would be broken by a type or a version that is gone, also when a newer one is there', () => {
    expect(brokenBy({ ...last, events: released(before) }, { ...last, events: released(before, 2) })).toEqual([
      'event thing.1: is gone; what is stored of it must stay readable',
    ]);
  });

  test('is not broken by a new optional field, another description, or a new version of any shape beside the last', () => {
    expect(eventsBrokenBy(before.extend({ unit: z.string().optional() }))).toEqual([]);
    expect(eventsBrokenBy(before.describe('Says more.'))).toEqual([]);
    const both = { ...released(before), ...released(z.object({}), 2) };
    expect(brokenBy({ ...last, events: released(before) }, { ...last, events: both })).toEqual([]);
  });

  const api = `
    type Query { thing(size: Size = SMALL, name: String): Thing  things: [Thing!]! }
    type Thing { id: ID!  name: String!  size: Size }
    enum Size { SMALL LARGE }
    input Wish { name: String = "a" }
    type Mutation { wish(wish: Wish!): Thing! }`;
  const apiBrokenBy = (from: string, to: string, version = last.version) =>
    brokenBy({ ...last, api }, { ...last, api: api.replace(from, to), version });

  test.each([
    ['a field that is removed', 'name: String!  size', 'size', 'API: Thing.name was removed.'],
    [
      'a type that is removed',
      'wish: Wish!',
      'wish: String!',
      'API: Mutation.wish arg wish has changed type from Wish! to String!.',
    ],
    ['a value that is removed', '{ SMALL LARGE }', '{ SMALL }', 'API: LARGE was removed from enum type Size.'],
    [
      'a result that may be null now',
      'name: String! ',
      'name: String ',
      'API: Thing.name changed type from String! to String.',
    ],
    ['another type of a field', 'size: Size }', 'size: Int }', 'API: Thing.size changed type from Size to Int.'],
    ['an argument that is removed', ', name: String)', ')', 'API: Query.thing arg name was removed.'],
    [
      'an argument that is required now',
      'name: String)',
      'name: String!)',
      'API: Query.thing arg name has changed type from String to String!.',
    ],
    [
      'a new argument that is required',
      'name: String)',
      'name: String, of: ID!)',
      'API: A required arg of on Query.thing was added.',
    ],
    [
      'a new input field that is required',
      '{ name: String =',
      '{ of: ID!  name: String =',
      'API: A required field of on input type Wish was added.',
    ],
    ['another default', '= SMALL', '= LARGE', 'API: The default of Query.thing(size) is "LARGE", was "SMALL".'],
    ['another default of an input field', '= "a"', '= "b"', 'API: The default of Wish.name is "b", was "a".'],
  ])('would be broken by %s', (_, from, to, named) => {
    expect(apiBrokenBy(from, to)).toContain(named);
  });

  test('to clients may be broken by a version that says so, and what is added breaks nothing', () => {
    expect(apiBrokenBy('name: String!  size', 'size', '1.0.0')).toEqual([]);
    expect(apiBrokenBy('name: String!  size', 'name: String!  more: Int  size')).toEqual([]);
  });
});

describe('every shape that was ever stored', () => {
  test('is in the corpus, as soon as it is released', () => {
    expect([...corpus.keys()].sort(), '`npm run release` puts examples there').toEqual(Object.keys(last.events).sort());
    expect([...corpus.values()].filter(events => events.length === 0)).toEqual([]);
  });

  test.each([...corpus])('%s is read by today’s contract, and handled by whoever consumes it', async (name, events) => {
    const newest = contracts.find(({ type }) => name.startsWith(`${type}.`));
    if (!newest) throw new Error(`${name} has no contract`);
    for (const stored of events) {
      expect(stored.type, name).toBe(newest.type);
      expect(readEvent(newest, parseEnvelope(stored)).dataschema).toBe(
        `urn:tributary:event:${newest.type}:${newest.version}`,
      );
    }
    const read = (event: Event) => ({ events: [event], replay: false, process: 0 as const });
    for (const definition of definitions) {
      const { consumes } = definition;
      if (consumes !== 'everything' && !consumes.some(({ type }) => type === newest.type)) continue;
      const state = await stateAfter(definition, { events, outboxes: new Map() }, [events.map(read)]);
      expect(Object.values(state).flat(), definition.name).not.toEqual([]);
    }
  });

  test('is missed when it cannot be read any more', () => {
    const [stored] = corpus.get('deposited.1') ?? [];
    const narrowed: Contract = contract({
      ...{ type: 'deposited', version: 1, description: 'Less.' },
      data: z.object({ amountMinor: z.int().max(1) }),
      example: { amountMinor: 1 },
    });
    expect(() => readEvent(narrowed, parseEnvelope(stored))).toThrow(/amountMinor/);
  });
});

describe('what is made of contracts and SDL', () => {
  const staleness = 'run `npm run compose`';

  test('the AsyncAPI document is the one of today', async () => {
    expect(readFileSync(asyncApiFile, 'utf8'), staleness).toBe(await composeAsyncApi());
  });

  test('AsyncAPI’s own parser finds nothing wrong with it, not even a warning', async () => {
    const { document, diagnostics } = await new Parser().parse(readFileSync(asyncApiFile, 'utf8'));
    expect(diagnostics.map(({ message, path }) => `${path.join('.')}: ${message}`)).toEqual([]);
    expect(document?.version()).toMatch(/^3\./);
    const messages = document
      ?.components()
      .messages()
      .all()
      .map(message => message.id());
    expect(messages?.sort()).toEqual(
      contracts
        .flatMap(versionsOf)
        .map(({ type, version }) => `${type}.${version}`)
        .sort(),
    );
  });

  test('AsyncAPI’s own parser would find what is wrong', async () => {
    const broken = readFileSync(asyncApiFile, 'utf8').replaceAll(
      '#/components/messages/deposited.1',
      '#/components/messages/gone',
    );
    expect((await new Parser().parse(broken)).diagnostics).not.toEqual([]);
  });

  test.each(typedFolders())('the resolver types in %s are those of today', async folder => {
    expect(readFileSync(generatedFile(folder), 'utf8'), staleness).toBe(await generateTypesOf(folder));
  });

  test('resolver types change with the SDL and with what resolvers hand over', async () => {
    const sdl = 'type Query { thing: Thing }  type Thing { id: ID! }';
    const types = await generateTypes({ sdl, nodes: '' });
    expect(await generateTypes({ sdl: sdl.replace('id: ID!', 'id: ID!  name: String'), nodes: '' })).not.toBe(types);
    expect(await generateTypes({ sdl, nodes: 'export type ThingNode = { _id: string };' })).not.toBe(types);
    await expect(generateTypes({ sdl: `${sdl}  scalar Unknown`, nodes: '' })).rejects.toThrow('Unknown');
  });
});
