import { describe, expect, test } from 'vitest';
import { pack, unpack } from './carrying.ts';
import type { Event } from './event.ts';
import { createTrail, noTrail, readPlace, type SpanOptions, type Tracer, untraced } from './tracing.ts';
import type { Job, Letter } from './transport.ts';

const STORY = 'a'.repeat(32);
const placeOf = (span: number, trace = STORY) => `00-${trace}-${String(span).padStart(16, '0')}-01`;

function event(id: string, traceparent?: string): Event {
  return { specversion: '1.0', id, source: '/account', type: 'deposited', time: '', data: {}, traceparent };
}

/** A tracer that remembers what was begun; spans of it are numbered from 1. */
function recorder() {
  const begun: (SpanOptions & { name: string; place: string; ended: boolean; error?: unknown })[] = [];
  const tracer: Tracer = {
    active: true,
    addressOf: () => undefined,
    begin(name, options = {}) {
      const trace = readPlace(options.parent)?.traceId ?? 'b'.repeat(32);
      const span = { name, ...options, place: placeOf(begun.length + 1, trace), ended: false };
      begun.push(span);
      return { place: span.place, end: error => Object.assign(span, { ended: true, error }) };
    },
  };
  return { tracer, begun };
}

test('a place is W3C’s traceparent, of a trace that is kept; anything else is none', () => {
  expect(readPlace(placeOf(7))).toEqual({ traceId: STORY, spanId: '0000000000000007' });
  for (const none of [undefined, 7, '', `00-${STORY}-0000000000000007-00`, `01-${STORY}-0000000000000007-01`, 'x'])
    expect(readPlace(none)).toBeUndefined();
});

describe('a trail', () => {
  test('hangs each step beneath the one before, and the first where the story began', () => {
    const { tracer, begun } = recorder();
    const trail = createTrail(tracer);
    trail.begin('relay', [event('1', placeOf(99))]).end();
    trail.begin('consume', [event('1', placeOf(99))]).end();
    expect(begun.map(({ name, parent, ended }) => [name, parent, ended])).toEqual([
      ['relay deposited', placeOf(99), true],
      ['consume deposited', placeOf(1), true],
    ]);
  });

  test('says nothing of events that are not traced, or whose trace is not kept', () => {
    const { tracer, begun } = recorder();
    const step = createTrail(tracer).begin('relay', [event('1'), event('2', `00-${STORY}-${'0'.repeat(16)}-00`)]);
    step.end();
    expect([step.places, begun]).toEqual([[undefined, undefined], []]);
  });

  test('is nothing at all where nobody looks', () => {
    expect(createTrail(untraced)).toBe(noTrail);
  });
});

describe('across the queue', () => {
  const letters: Letter[] = [
    { service: 'balance', partition: 0, source: 'account', events: [event('1', placeOf(90)), event('2')] },
    { service: 'lake', partition: 0, source: 'account', events: [event('2')] },
  ];

  test('a job is linked to its events, of which each goes on from its own last step', () => {
    const sender = recorder();
    const sending = createTrail(sender.tracer);
    sending.begin('relay', [event('1', placeOf(90))]);
    const packed = pack(sending, letters);
    packed.end();
    expect(sender.begun.slice(1)).toMatchObject([{ name: 'send job balance', links: [placeOf(1)], ended: true }]);
    expect(sender.begun[1]).not.toHaveProperty('parent');
    const [job, untouched]: readonly Job[] = packed.letters;
    expect(job?.trace).toEqual({ place: placeOf(2, 'b'.repeat(32)), spans: ['0000000000000001', ''] });
    expect(untouched).toBe(letters[1]);

    const taker = recorder();
    if (!job) throw new Error('no job');
    // The event that comes second has been set aside.
    unpack(createTrail(taker.tracer), 'balance', job, [{ event: event('1', placeOf(90)), index: 0 }]).end('failed');
    expect(taker.begun).toMatchObject([
      { name: 'job balance', parent: placeOf(2, 'b'.repeat(32)), links: [placeOf(1)], ended: true, error: 'failed' },
      { name: 'consume deposited', parent: placeOf(1), links: [placeOf(1, 'b'.repeat(32))], ended: true },
    ]);
  });

  test('what a job says of spans leads into no other trace, and nonsense to where the story began', () => {
    for (const spans of [['nonsense'], [], [`${'0'.repeat(16)}-01-${STORY}`]]) {
      const { tracer, begun } = recorder();
      const job = { ...letters[0], trace: { place: 'nonsense', spans } } as Job;
      unpack(createTrail(tracer), 'balance', job, [{ event: event('1', placeOf(90)), index: 0 }]).end();
      expect(begun.at(-1)).toMatchObject({ name: 'consume deposited', parent: placeOf(90) });
    }
  });

  test('letters stay as they are where nobody looks', () => {
    expect(pack(noTrail, letters).letters).toBe(letters);
  });
});
