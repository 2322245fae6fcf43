import { describe, expect, test } from 'vitest';
import type { Flow } from './facts.ts';
import { ACCOUNT, BALANCE, LAKE, serviceWith } from './fixture.ts';
import { type Box, pictureOf } from './layout.ts';

const flow = (source: string, type: string, eventsPerSecond: number): Flow => ({
  ...{ source, type, eventsPerSecond, eventsLastMinute: eventsPerSecond * 60 },
});
const bank = [ACCOUNT, BALANCE, LAKE];
const keysOf = (links: readonly { key: string }[]) => links.map(({ key }) => key).sort();

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe('the picture of the way of the events', () => {
  test('leads from who emits a type to everybody who consumes it', () => {
    const { emitters, types, consumers, links } = pictureOf(bank, [], 900);
    expect(emitters.map(({ service }) => service.name)).toEqual(['account', 'balance']);
    expect(types.map(({ type }) => type)).toEqual([
      ...['account-opened', 'deposited', 'withdrawn', 'balance-updated', 'overdrawn'],
    ]);
    // The lake, which takes everything, stands last.
    expect(consumers.at(-1)?.service.name).toBe('lake');
    expect(keysOf(links)).toEqual(
      [
        ...['account>account-opened', 'account>deposited', 'account>withdrawn'],
        ...['balance>balance-updated', 'balance>overdrawn'],
        ...['deposited>balance', 'withdrawn>balance', 'balance-updated>balance', 'balance-updated>account'],
        ...['account-opened>lake', 'deposited>lake', 'withdrawn>lake', 'balance-updated>lake', 'overdrawn>lake'],
      ].sort(),
    );
  });

  test('shows a service that was added, and a type that nobody has announced, by itself', () => {
    const interest = serviceWith({ name: 'interest', consumes: ['balance-updated'], emits: ['interest-credited'] });
    const { emitters, links } = pictureOf([...bank, interest], [flow('/lake', 'fault', 1)], 900);
    expect(emitters.map(({ service }) => service.name).sort()).toEqual(['account', 'balance', 'interest', 'lake']);
    expect(keysOf(links)).toEqual(
      expect.arrayContaining(['interest>interest-credited', 'balance-updated>interest', 'lake>fault', 'fault>lake']),
    );
  });

  test('has thicker lines where more flows', () => {
    const { links, types } = pictureOf(
      bank,
      [flow('/account', 'deposited', 300), flow('/account', 'withdrawn', 3)],
      900,
    );
    const thickness = (key: string) => links.find(link => link.key === key)?.thickness ?? 0;
    expect(thickness('account>deposited')).toBeGreaterThan(thickness('account>withdrawn'));
    expect(thickness('account>withdrawn')).toBeGreaterThan(thickness('account>account-opened'));
    expect(thickness('deposited>lake')).toBe(thickness('account>deposited'));
    expect(types.find(({ type }) => type === 'deposited')?.rate).toBe(300);
  });

  test.each([1, 4, 12, 30])('has room for everything, however wide it is: with %i more services', more => {
    const others = Array.from({ length: more }, (_, index) =>
      serviceWith({ name: `s${index}`, consumes: ['deposited'], emits: index % 2 ? [] : [`t${index}`] }),
    );
    for (const width of [268, 329, 330, 619, 620, 1_400]) {
      const { emitters, types, consumers, height } = pictureOf([...bank, ...others], [], width);
      const boxes: Box[] = [...emitters, ...types, ...consumers];
      for (const [index, box] of boxes.entries()) {
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
        expect(box.y).toBeGreaterThanOrEqual(0);
        expect(box.y + box.height).toBeLessThanOrEqual(height + 1);
        expect(boxes.slice(index + 1).filter(other => overlap(box, other))).toEqual([]);
      }
    }
  });

  test.each([268, 329, 330, 620])('has room for its lines between the boxes: %i wide', width => {
    const { emitters, types, consumers } = pictureOf(bank, [], width);
    const [emitter, type, consumer] = [emitters[0], types[0], consumers[0]];
    if (!emitter || !type || !consumer) throw new Error('nothing is drawn');
    expect(type.x - (emitter.x + emitter.width)).toBeGreaterThanOrEqual(12);
    expect(consumer.x - (type.x + type.width)).toBeGreaterThanOrEqual(12);
  });

  test('of nothing is empty', () => {
    expect(pictureOf([], [], 900)).toMatchObject({ emitters: [], types: [], consumers: [], links: [] });
  });
});
