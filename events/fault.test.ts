import { expect, test } from 'vitest';
import { parseEnvelope } from './event.ts';
import { faultEvent, idOf } from './fault.ts';
import { fakeClock, happening, TIME } from './fixture.ts';

const input = { service: 'reporting', error: new TypeError('wrong'), deliveries: 3, resubmission: 0 };
const clock = fakeClock();

test('a fault carries the original and everything needed to send it again', () => {
  const original = { ...happening('1'), correlationid: 'story' };
  const fault = faultEvent({ ...input, original }, clock);
  expect(parseEnvelope(fault)).toMatchObject({
    type: 'fault',
    source: '/reporting',
    subject: 'a',
    time: TIME,
    causationid: '1',
    correlationid: 'story',
    data: { service: 'reporting', error: 'wrong', deliveries: 3, eventId: '1', resubmission: 0, original },
  });
});

test('the same original failing again in the same try is the same fault; in another try, or service, it is another', () => {
  const original = happening('1');
  const idFor = (change: object) => faultEvent({ ...input, original, ...change }, clock).id;
  expect(idFor({ deliveries: 1, error: 'another' })).toBe(idFor({}));
  expect(new Set([idFor({}), idFor({ resubmission: 1 }), idFor({ service: 'lake' })]).size).toBe(3);
});

test.each([
  ['text'],
  [null],
  [undefined],
  [7],
  [[]],
  [{ id: '' }],
  [{ id: 'x'.repeat(401) }],
  [{ id: 7, subject: 7, correlationid: '' }],
])('what is no event becomes a fault as well: %j', original => {
  const fault = faultEvent({ ...input, original }, clock);
  expect(parseEnvelope(JSON.parse(JSON.stringify(fault)))).toMatchObject({ causationid: idOf(original) });
  expect(idOf(original)).toMatch(/^[0-9a-f]{64}$/);
});

test('a message is kept short, and shows no stack', () => {
  const fault = faultEvent({ ...input, original: happening('1'), error: new Error('x'.repeat(9_999)) }, clock);
  expect((fault.data as { error: string }).error).toBe('x'.repeat(2_000));
});
