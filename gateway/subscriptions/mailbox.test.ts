import { expect, test, vi } from 'vitest';
import { mailbox } from './mailbox.ts';

const keep = (capacity: number, onReturn = () => {}) =>
  mailbox<string>({ capacity, fold: (older, newer) => `${older}+${newer}`, onReturn });

test('values come out in order, then the end', async () => {
  const box = keep(10);
  box.push('a');
  box.push('b');
  box.end();
  expect(await all(box.values)).toEqual(['a', 'b']);
});

test('a reader that waits gets the next value at once', async () => {
  const box = keep(1);
  const next = box.values.next();
  box.push('a');
  expect(await next).toEqual({ done: false, value: 'a' });
});

test('no more than the capacity waits: the oldest is folded into the one after it', async () => {
  const box = keep(2);
  for (const value of ['a', 'b', 'c', 'd']) box.push(value);
  box.end();
  expect(await all(box.values)).toEqual(['a+b+c', 'd']);
});

test('a producer that can wait goes on when hardly anything waits, or the consumer is gone', async () => {
  const box = keep(10);
  for (let count = 0; count < 6; count++) box.push('a');
  expect(box.hasRoom()).toBe(false);
  let wentOn = false;
  const room = box.room().then(() => {
    wentOn = true;
  });
  for (let count = 0; count < 4; count++) await box.values.next();
  expect([box.hasRoom(), wentOn]).toEqual([true, false]);
  await box.values.next();
  await room;
  for (let count = 0; count < 9; count++) box.push('a');
  const left = box.room();
  await box.values.return?.();
  await left;
});

test('an error comes after what was waiting, once', async () => {
  const box = keep(1);
  box.push('a');
  box.end(new Error('lost'));
  expect(await box.values.next()).toEqual({ done: false, value: 'a' });
  await expect(box.values.next()).rejects.toThrow('lost');
  expect(await box.values.next()).toEqual({ done: true, value: undefined });
});

test('an error reaches a reader that waits', async () => {
  const box = keep(1);
  const next = box.values.next();
  box.end(new Error('lost'));
  await expect(next).rejects.toThrow('lost');
});

test('return() ends a next() that waits, tells the producer at once and only once', async () => {
  const onReturn = vi.fn();
  const box = keep(1, onReturn);
  const next = box.values.next();
  const returned = box.values.return?.();
  expect(onReturn).toHaveBeenCalledOnce();
  await returned;
  await box.values.return?.();
  box.push('late');
  expect(await next).toEqual({ done: true, value: undefined });
  expect(await box.values.next()).toEqual({ done: true, value: undefined });
  expect(onReturn).toHaveBeenCalledOnce();
});

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const value of values) read.push(value);
  return read;
}
