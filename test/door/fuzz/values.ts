/** Values for every input of the schema: most of them good, and some that somebody may have forgotten. */
import fc, { type Arbitrary } from 'fast-check';
import {
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';
import { sometimes } from './chance.ts';
import type { Input } from './document.ts';

/** What there is in the system that is asked. */
export type Pool = {
  accounts: readonly string[];
  replays: readonly string[];
  /** Of transactions, and of anything that is an event. */
  ids: readonly string[];
  cursors: readonly string[];
};

export type Values = {
  /** For an argument or a field of this name; often as a variable. */
  of(type: GraphQLInputType, name: string): Arbitrary<Input>;
};

const LONG = 3_000;

const json = (value: unknown): Input => ({ kind: 'json', json: value });
const raw = (text: string, value: unknown): Input => ({ kind: 'raw', text, json: value });
/** A number that JSON.stringify would write otherwise: `send` takes the mark away. */
const number = (text: string): Input => raw(text, `@number:${text}`);
const some = (...values: readonly unknown[]) => fc.constantFrom(...values.map(json));

const ODD_TEXTS = [
  ...['', ' ', '\0', 'a\0b', '\n', '\t', '\u007f', '\u202e', '\ufeff', '\u2028', '\ud800', 'a\udc00', '🏃🏽‍♀️'],
  ...['İ', 'ſ', 'ﬃ', 'e\u0301', '\u0301', 'ℤ', '%00', '../../etc', '$where', '$gt', '{"$gt":""}', "' or 1=1 --"],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'null', 'NaN', '0', '-1', '"', '\\', '{{x}}'],
  ...['x'.repeat(200), 'x'.repeat(201), '🏃'.repeat(250), 'x'.repeat(LONG), '.*', '(a+)+$', '*', '#', '"""'],
];

const ODD_NUMBERS = [
  ...[0, -1, 101, 1_000, 1.5, -0.1, 1e-7, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 52, 2 ** 53 - 1, 2 ** 53].map(json),
  ...[1e15, 1e21, -(2 ** 53), 5e-324, 1.7976931348623157e308, '1', '0x10'].map(json),
  ...['1e400', '-1e400', '-0', '1.0', '1e2', '9007199254740993', '123456789012345678901234567890'].map(number),
];

const ODD_TIMES = [
  ...['0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-00:01'],
  ...['0000-01-01T00:00:00+00:01', '2026-02-30T00:00:00Z', '2024-02-29T00:00:00Z', '2026-01-01T24:00:00Z'],
  ...['2026-06-30T23:59:60Z', '2026-01-01T00:00:00+23:59', '2026-01-01T00:00:00+99:99', '2026-01-01t00:00:00z'],
  ...['2026-01-01T00:00:00.123456789Z', '2026-01-01', '2026-01-01T00:00Z', '2026-13-01T00:00:00Z', 'now', ''],
  ...['+275760-09-13T00:00:00Z', '-000001-01-01T00:00:00Z', '२०२६-01-01T00:00:00Z', 1_700_000_000, 0],
];

const cursor = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url');
const ODD_CURSORS = [
  ...[[0], [-1], [1.5], [2 ** 53 - 1], [1e300], ['1'], [null], [], {}, null, 1, [1, 2], [[1]], [{ $gt: '' }]].map(
    cursor,
  ),
  ...[
    ['', ''],
    ['\0', '\0'],
    ['9999', 'x'],
    ['2026', '\ud800'],
    [{ $ne: 1 }, 'x'],
    ['x', 1],
  ].map(cursor),
  ...['%%%', 'W', 'x'.repeat(LONG), '', cursor('x'.repeat(LONG))],
];

const WRONG_KINDS: readonly Input[] = [
  ...[null, true, [], {}, [[1]], [null], { a: 1 }, { $gt: '' }, [[[[[[[[[[[]]]]]]]]]]], 'text', 1.5].map(json),
  raw('{ __proto__: { a: 1 } }', JSON.parse('{ "__proto__": { "a": 1 } }')),
  raw('{ a: 1, a: 2 }', JSON.parse('{ "constructor": { "prototype": 1 } }')),
  raw('"""block \\""" text"""', { toString: 1, valueOf: 1, toJSON: 1 }),
  raw('$nowhere', '$nowhere'),
  { kind: 'enum', name: 'NONSENSE' },
];

/** Good texts, by the name of what they are for. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  currency: ['USD', 'EUR', 'JPY'],
  name: ['Everyday', 'Savings', 'Ärger 🏃', 'Account'],
  memo: ['rent', 'Miete', ''],
  // Few enough to be used again.
  idempotencyKey: Array.from({ length: 20 }, (_, at) => `k${at}`),
  service: ['account', 'balance', 'reporting'],
  types: ['deposited', 'withdrawn', 'balance-updated', 'account-opened', 'fault'],
  source: ['/account', '/balance', '/lake'],
};

const NOTHING = fc.constant([]);

/** Given most of the time: else too much would be left behind in the system. */
const USUAL = /^(idempotencyKey|dryRun)$/;

const UNKNOWN_FIELDS: Arbitrary<readonly (readonly [string, Input])[]> = sometimes(
  100,
  NOTHING,
  fc.constantFrom('nonsense', 'amount', '__proto__').map(name => [[name, json(1)] as const]),
);

/** Once in so many values, one that is odd; of those, once in so many one of another kind. */
const ODD = 12;
const WRONG = 8;

export function valuesFrom({ accounts, replays, ids, cursors }: Pool): Values {
  function idsFor(name: string): readonly string[] {
    if (/account|subject/i.test(name)) return accounts;
    return /replay/i.test(name) ? replays : ids;
  }

  const odd = {
    text: some(...ODD_TEXTS),
    number: fc.constantFrom(...ODD_NUMBERS),
    time: some(...ODD_TIMES),
    cursor: some(...ODD_CURSORS),
    wrong: fc.constantFrom(...WRONG_KINDS),
  };
  const mostly = (good: Arbitrary<Input>, strange: Arbitrary<Input>) =>
    sometimes(ODD, good, sometimes(WRONG, strange, odd.wrong));
  const time = fc
    .date({ min: new Date('2020-01-01T00:00:00Z'), max: new Date('2030-01-01T00:00:00Z'), noInvalidDate: true })
    .map(date => json(date.toISOString()));

  function scalar(type: string, name: string): Arbitrary<Input> {
    switch (type) {
      case 'Int':
        return mostly(some(1, 2, 3, 20, 100), odd.number);
      case 'Float':
        return mostly(some(1, 0.5, 1e3), odd.number);
      case 'MinorUnits':
        return mostly(some(1, 2, 100, 12_500), odd.number);
      case 'Boolean':
        return sometimes(200, some(true, false), some('true', 0, 1));
      case 'DateTime':
        return mostly(time, odd.time);
      case 'ID':
        return mostly(some(...idsFor(name)), fc.oneof(some(...ids, ...replays), odd.text, odd.number));
      default:
        return name === 'after'
          ? mostly(some(...cursors), fc.oneof(odd.cursor, odd.text))
          : mostly(some(...(TEXTS[name] ?? ['text'])), odd.text);
    }
  }

  function written(type: GraphQLInputType, name: string, nested: Values['of']): Arbitrary<Input> {
    if (isNonNullType(type)) return written(type.ofType, name, nested);
    if (isListType(type)) {
      const item = nested(type.ofType, name);
      const items = fc.array(item, { maxLength: 3 }).map((list): Input => ({ kind: 'list', items: list }));
      return sometimes(10, items, item);
    }
    if (isEnumType(type)) {
      const names = type.getValues().map((value): Input => ({ kind: 'enum', name: value.name }));
      return mostly(fc.constantFrom(...names), some('DAY', 'nonsense', 0, '__proto__'));
    }
    if (!isInputObjectType(type)) return scalar(type.name, name);
    const fields = Object.values(type.getFields()).map(field => {
      const value = nested(field.type, field.name);
      const given = value.map(input => [[field.name, input] as const]);
      if (isRequiredInputField(field) || USUAL.test(field.name)) return sometimes(100, given, NOTHING);
      return sometimes(2, NOTHING, given);
    });
    return fc.tuple(...fields, UNKNOWN_FIELDS).map((given): Input => ({ kind: 'object', fields: given.flat() }));
  }

  /** In full, with nothing in a variable. */
  const literal: Values['of'] = (type, name) => orNull(type, written(type, name, literal));

  const of: Values['of'] = (type, name) => {
    const value = orNull(type, written(type, name, of));
    const plain = literal(type, name);
    const exact = fc.record({
      kind: fc.constant('variable' as const),
      type: fc.constant(String(type)),
      value: fc.option(plain, { nil: undefined, freq: 30 }),
      byDefault: isNonNullType(type) ? fc.constant(undefined) : fc.option(plain, { nil: undefined, freq: 1 }),
    });
    const byDefault = fc.record({
      kind: fc.constant('variable' as const),
      type: fc.constant(String(getNullableType(type))),
      value: fc.option(plain, { nil: undefined, freq: 1 }),
      byDefault: plain,
    });
    const mistyped = fc.record({
      kind: fc.constant('variable' as const),
      type: fc.constantFrom('String', 'Int!', '[ID]', 'Boolean', 'Account', 'Nonsense', '[[Int!]!]!'),
      value: fc.option(plain, { nil: undefined }),
      byDefault: fc.constant(undefined),
    });
    return fc.oneof(
      { withCrossShrink: true },
      { weight: 600, arbitrary: value },
      { weight: 340, arbitrary: exact },
      { weight: 56, arbitrary: byDefault },
      { weight: 4, arbitrary: mistyped },
    );
  };
  return { of };
}

function orNull(type: GraphQLInputType, value: Arbitrary<Input>): Arbitrary<Input> {
  return isNonNullType(type) ? value : sometimes(20, value, fc.constant(json(null)));
}
