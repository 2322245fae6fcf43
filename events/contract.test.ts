import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  asItCame,
  asWritten,
  type Contract,
  contract,
  createEvent,
  dataSchemaOf,
  readEvent,
  versionsOf,
  writtenVersionOf,
} from './contract.ts';
import { ContractViolation } from './errors.ts';
import type { Event } from './event.ts';
import { happening, TIME } from './fixture.ts';

type Name = { first: string; last: string };

/** Version 1 had `name`; version 2 split it; version 3 has it trimmed. */
const named = contract({
  type: 'renamed',
  version: 1,
  description: 'Somebody has a new name.',
  data: z.object({ name: z.string() }),
  example: { name: 'Ada|Lovelace' },
});
const split = contract({
  ...{ type: 'renamed', version: 2, description: 'Somebody has a new name, in two parts.' },
  data: z.object({ first: z.string(), last: z.string() }),
  example: { first: 'Ada', last: ' Lovelace' },
  before: named,
  upcast({ name }) {
    const [first = '', last = ''] = name.split('|');
    return { first, last };
  },
});
const renamed: Contract<Name> = contract({
  ...{ type: 'renamed', version: 3, description: 'Somebody has a new name, in two parts, trimmed.' },
  data: z.object({ first: z.string().min(1), last: z.string() }),
  example: { first: 'Ada', last: 'Lovelace' },
  before: split,
  upcast: ({ first, last }) => ({ first: first.trim(), last: last.trim() }),
});

const draft = { id: '1', source: '/people', subject: 'p', time: TIME };
const ofVersion = (version: number | undefined, data: unknown): Event => ({
  ...happening('1'),
  type: 'renamed',
  dataschema: version === undefined ? undefined : dataSchemaOf({ type: 'renamed', version }),
  data,
});

describe('an event is made', () => {
  test('with the type and the schema of its contract', () => {
    expect(createEvent(renamed, { ...draft, data: { first: 'Ada', last: 'L' }, correlationid: 'c' })).toEqual({
      specversion: '1.0',
      id: '1',
      source: '/people',
      type: 'renamed',
      subject: 'p',
      time: TIME,
      dataschema: 'urn:tributary:event:renamed:3',
      datacontenttype: 'application/json',
      correlationid: 'c',
      data: { first: 'Ada', last: 'L' },
    });
  });

  test('only of data that keep the contract, and the refusal says what is wrong with which event', () => {
    const refusal = () => createEvent(renamed, { ...draft, data: { first: '', last: 'L' } });
    expect(refusal).toThrow(ContractViolation);
    expect(refusal).toThrow(/^renamed 1: .*first/s);
  });
});

describe('an event is read', () => {
  test('as it is in the current version', () => {
    const event = ofVersion(3, { first: 'Ada', last: 'L' });
    expect(readEvent(renamed, event)).toEqual(event);
  });

  test.each([
    [1, { name: ' Ada | L ' }],
    [2, { first: ' Ada ', last: ' L ' }],
    [undefined, { name: ' Ada | L ' }],
  ])('from version %s step by step', (version, data) => {
    const { dataschema, data: read } = readEvent(renamed, ofVersion(version, data));
    expect([dataschema, read]).toEqual(['urn:tributary:event:renamed:3', { first: 'Ada', last: 'L' }]);
  });

  test('never changes the event that it reads', () => {
    const event = ofVersion(1, { name: 'Ada|L' });
    const before = structuredClone(event);
    readEvent(renamed, event);
    expect(event).toEqual(before);
  });

  test.each<[string, Event, RegExp]>([
    [
      'of a newer version',
      ofVersion(4, {}),
      /version 4 is newer than 3, the newest that this service knows; upgrade it, then resubmit the fault/,
    ],
    ['with data that break the contract', ofVersion(3, { first: 'Ada' }), /last/],
    ['whose upcast data break it', ofVersion(2, { first: ' ', last: '' }), /first/],
    ['of version 0', ofVersion(0, {}), /names no version/],
    ['whose schema names no version', { ...ofVersion(1, {}), dataschema: 'urn:other' }, /names no version/],
  ])('and refused by its id when it is one %s', (_, event, message) => {
    expect(() => readEvent(renamed, event)).toThrow(ContractViolation);
    expect(() => readEvent(renamed, event)).toThrow(message);
    expect(() => readEvent(renamed, event)).toThrow('renamed 1: ');
  });

  test('and refused when a step is missing', () => {
    const { upcast: _, ...without } = renamed;
    expect(() => readEvent(without, ofVersion(2, {}))).toThrow(/no way from version 2 to 3/);
  });

  test('and refused by the version that it says it is of', () => {
    expect(() => readEvent(renamed, ofVersion(1, { first: 'Ada', last: 'L' }))).toThrow(/name/);
  });

  test('and refused as a violation when an old one cannot even be upcast', () => {
    expect(() => readEvent(renamed, ofVersion(1, { name: null }))).toThrow(ContractViolation);
  });
});

/** Version 3, while services run that know no more than version 2. */
const coming = contract({
  ...{ type: 'renamed', version: 3, description: 'Somebody has a new name, in two parts, and a reason.' },
  data: z.object({ first: z.string(), last: z.string(), because: z.string() }),
  example: { first: 'Ada', last: 'Lovelace', because: '/people' },
  before: split,
  upcast: (data, { source }) => ({ ...data, because: source }),
  writtenAs: ({ because: _, ...data }) => data,
});

describe('a version that is not written yet', () => {
  const decided = createEvent(coming, { ...draft, data: { first: 'Ada', last: 'L', because: '/people' } });

  test('is decided in, written as the one before, and read as it was decided', () => {
    const stored = asWritten(coming, decided);
    expect(stored).toEqual({
      ...decided,
      dataschema: 'urn:tributary:event:renamed:2',
      data: { first: 'Ada', last: 'L' },
    });
    expect(readEvent(coming, stored)).toEqual(decided);
    expect([writtenVersionOf(coming).version, writtenVersionOf(renamed).version]).toEqual([2, 3]);
  });

  test('is read as well, of those who write it already', () => {
    expect(readEvent(coming, decided)).toEqual(decided);
  });

  test('touches nothing that is of another version, and nothing of a contract that writes its newest', () => {
    const old = ofVersion(1, { name: 'Ada|L' });
    expect(asWritten(coming, old)).toBe(old);
    expect(asWritten(renamed, decided)).toBe(decided);
  });

  test('is refused when it does not lead to what the version before says', () => {
    const wrong = { ...coming, writtenAs: () => ({ first: 'Ada' }) };
    expect(() => asWritten(wrong, decided)).toThrow(/renamed 1: .*last/s);
  });
});

test('what was brought up to date is known as it came, and all else is what it is', () => {
  const old = ofVersion(1, { name: 'Ada|L' });
  const current = ofVersion(3, { first: 'Ada', last: 'L' });
  expect(asItCame(readEvent(renamed, old))).toBe(old);
  expect(asItCame(readEvent(renamed, current))).toEqual(current);
  expect(asItCame(old)).toBe(old);
});

describe('a contract', () => {
  test('knows all its versions, the newest first', () => {
    expect(versionsOf(renamed).map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  test.each<[string, object]>([
    ['whose example is none', { example: { name: 7 } }],
    ['that leaves a version out', { version: 3, before: named }],
    ['that follows another type', { version: 2, before: { ...named, type: 'other' } }],
    ['that follows nothing', { version: 2 }],
  ])('%s is refused', (_, wrong) => {
    expect(() => contract({ ...named, example: { name: 'Ada' }, version: 1, ...wrong })).toThrow(
      /name|does not follow/,
    );
  });
});
