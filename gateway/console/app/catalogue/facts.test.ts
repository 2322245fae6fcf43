import { describe, expect, test } from 'vitest';
import { fieldsOf, kindOf, rateOf } from './facts.ts';

describe('the fields of an event', () => {
  test('are read from its schema, in their order, those inside others by their way', () => {
    const schema = {
      type: 'object',
      required: ['name', 'parts'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 200, description: 'What it is called.' },
        parts: {
          type: 'array',
          items: { type: 'object', required: ['weight'], properties: { weight: { type: 'number' } } },
        },
        place: { type: 'object', properties: { city: { type: 'string' } } },
      },
    };
    expect(fieldsOf(schema)).toEqual([
      { name: 'name', kind: 'text, 1 to 200 characters', required: true, description: 'What it is called.' },
      { name: 'parts', kind: 'list', required: true, description: '' },
      { name: 'parts[].weight', kind: 'number', required: true, description: '' },
      { name: 'place', kind: 'object', required: false, description: '' },
      { name: 'place.city', kind: 'text', required: false, description: '' },
    ]);
  });

  test.each([null, 'text', [], {}, { properties: null }, { properties: { field: 7 } }])('are none in %j', schema => {
    expect(fieldsOf(schema)).toEqual([]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['whole number, more than 0', { type: 'integer', exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER }],
    ['whole number', { type: 'integer', minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }],
    ['number, 1 or more, 5 or less', { type: 'number', minimum: 1, maximum: 5 }],
    ['text, [A-Z]{3}', { type: 'string', pattern: '^[A-Z]{3}$' }],
    ['text, not empty', { type: 'string', minLength: 1 }],
    ['text, up to 1,000 characters', { type: 'string', maxLength: 1_000 }],
    ['one of "deposit", "gift"', { type: 'string', enum: ['deposit', 'gift'] }],
    ['date and time', { type: 'string', format: 'date-time', pattern: '^.*$' }],
    ['text or null', { type: ['string', 'null'] }],
    ['text or whole number', { anyOf: [{ type: 'string' }, { type: 'integer' }] }],
    ['anything', {}],
  ])('can be %s', (words, schema) => {
    expect(kindOf(schema)).toBe(words);
  });
});

test('the rate of a type is that of all its sources, and not known before something is', () => {
  const flow = (source: string, type: string, eventsPerSecond: number) => ({
    source,
    type,
    eventsPerSecond,
    eventsLastMinute: 60,
  });
  const flows = [flow('/a', 'fault', 1), flow('/b', 'fault', 2), flow('/b', 'other', 5)];
  expect(rateOf(flows, 'fault')).toEqual({ perSecond: 3, lastMinute: 120 });
  expect(rateOf(flows, 'none')).toEqual({ perSecond: 0, lastMinute: 0 });
  expect(rateOf(undefined, 'fault')).toBeUndefined();
});
