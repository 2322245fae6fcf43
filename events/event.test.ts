import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { causedBy, deriveId, parseEnvelope } from './event.ts';
import { happening } from './fixture.ts';

describe('the envelope', () => {
  test('is accepted with unknown extensions, and keeps them', () => {
    const event = { ...happening('1'), comexampleextension: 'kept', sampledrate: 7 };
    expect(parseEnvelope(event)).toEqual(event);
  });

  test('is given back as it came, in its own order: what is stored again is the same document', () => {
    const { data, ...attributes } = happening('1');
    const event = { data, later: 'x', ...attributes };
    expect(JSON.stringify(parseEnvelope(event))).toBe(JSON.stringify(event));
  });

  test('needs no more than CloudEvents asks for, and a time', () => {
    const { specversion, id, source, type, time } = happening('1');
    expect(parseEnvelope({ specversion, id, source, type, time })).toEqual({ specversion, id, source, type, time });
  });

  test.each<[string, Record<string, unknown>]>([
    ['specversion', { specversion: '0.3' }],
    ['id', { id: '' }],
    ['id', { id: 7 }],
    ['id', { id: 'x'.repeat(401) }],
    ['source', { source: 'account' }],
    ['source', { source: '/' }],
    ['source', { source: undefined }],
    ['type', { type: 'Deposited' }],
    ['type', { type: '' }],
    ['subject', { subject: '' }],
    ['subject', { subject: 7 }],
    ['time', { time: '2026-01-31' }],
    ['time', { time: '2026-01-31T12:00:00Z' }],
    ['time', { time: '2026-01-31T12:00:00.000+01:00' }],
    ['time', { time: undefined }],
    ['datacontenttype', { datacontenttype: 'text/plain' }],
    ['dataschema', { dataschema: 'x'.repeat(401) }],
    ['correlationid', { correlationid: '' }],
    ['causationid', { causationid: 7 }],
    ['traceparent', { traceparent: 'x'.repeat(101) }],
  ])('is refused with a wrong %s, which the error names: %j', (name, wrong) => {
    const refusal = () => parseEnvelope({ ...happening('1'), ...wrong });
    expect(refusal).toThrow(new RegExp(`^no event: ${name}: [^;]+$`));
  });

  test.each([null, undefined, 'text', 7, []])('is not %j', value => {
    expect(() => parseEnvelope(value)).toThrow(/^no event: Invalid input/);
  });
});

describe('a derived id', () => {
  // These stand in databases: a change of any of them makes every event of the system a new one.
  test.each([
    [['deposited'], '726b6054-e366-507d-a80e-350d0e69d658'],
    [['idempotency key', 'alice', 'k-1'], 'ac02e2ca-eb10-5272-b984-3e5036a6d331'],
    [['balance-updated', 'account', 1, 'cause'], 'fafb8a9f-651d-5723-8918-16b0f2e52306'],
    [['fault', 'reporting', 'event', 0], 'ee96f4c7-2446-5cca-aa90-724703481ae3'],
  ])('of %j is the same for ever', (parts, id) => {
    expect(deriveId(...parts)).toBe(id);
  });

  test('differs when any part differs, moves, or is joined to another', () => {
    const part = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 4 }),
      fc.constantFrom('a', 'ab', '1', '"', ',', ''),
      fc.nat(11),
    );
    const parts = fc.array(part, { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (some, others) => {
        const isSame = some.length === others.length && some.every((value, index) => value === others[index]);
        expect(deriveId(...some) === deriveId(...others)).toBe(isSame);
      }),
      { numRuns: 1_000 },
    );
    expect(deriveId('a', 'b')).not.toBe(deriveId('ab'));
    expect(deriveId('1')).not.toBe(deriveId(1));
    expect(deriveId('a', 'b')).not.toBe(deriveId('b', 'a'));
  });
});

describe('a consequence', () => {
  test('names its cause, and carries on the story and the trace', () => {
    const cause = { ...happening('2'), correlationid: '1', traceparent: '00-a-b-01' };
    expect(causedBy(cause)).toEqual({ causationid: '2', correlationid: '1', traceparent: '00-a-b-01' });
  });

  test('of an event that began no story belongs to that event', () => {
    expect(causedBy(happening('1'))).toEqual({ causationid: '1', correlationid: '1' });
  });
});
