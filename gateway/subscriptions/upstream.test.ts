import type { ExecutionResult } from 'graphql';
import pino from 'pino';
import { expect, test } from 'vitest';
import { clientError } from '../../schema/errors.ts';
import { topic, until } from './topic.ts';
import { upstream } from './upstream.ts';

const log = pino({ level: 'silent' });
const retry = { attempts: 3, firstMs: 1, maxMs: 4 };
const result = (n: number): ExecutionResult => ({ data: { n } });

test('results pass unmarked, and the end of the stream is the end', async () => {
  const source = topic<ExecutionResult>();
  const stream = upstream({ open: async () => source.subscribe(result(1)), state: true, retry, log });
  expect(await stream.next()).toEqual({ done: false, value: { result: result(1), resumed: false, skipped: 0 } });
  source.end();
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('a refusal is one result, then the end', async () => {
  const refused = { errors: [clientError('FORBIDDEN', 'no')] };
  const stream = upstream({ open: async () => refused, state: true, retry, log });
  expect((await stream.next()).value).toMatchObject({ result: refused });
  expect((await stream.next()).done).toBe(true);
});

test('a lost stream is opened again and its next event marked', async () => {
  const source = topic<ExecutionResult>();
  let opened = 0;
  const stream = upstream({ open: async () => source.subscribe(result(++opened)), state: true, retry, log });
  await stream.next();
  source.end(new Error('broken pipe'));
  expect((await stream.next()).value).toEqual({ result: result(2), resumed: true, skipped: 0 });
  source.publish(result(3));
  expect((await stream.next()).value).toEqual({ result: result(3), resumed: false, skipped: 0 });
});

test('an outage while it opens again is waited for like a lost connection', async () => {
  const source = topic<ExecutionResult>();
  const answers = [
    async () => source.subscribe(result(1)),
    async () => ({ errors: [clientError('UNAVAILABLE', 'later')] }),
    async () => source.subscribe(result(2)),
  ];
  const open = () => (answers.shift() ?? (() => Promise.reject(new Error('no more'))))();
  const stream = upstream({ open, state: true, retry, log });
  await stream.next();
  source.end(new Error('broken pipe'));
  expect((await stream.next()).value).toMatchObject({ result: result(2), resumed: true });
});

test('when attempts end it rejects with SUBGRAPH_STREAM_LOST, and is never just over', async () => {
  let attempts = 0;
  const open = async () => {
    attempts++;
    throw new Error('connect ECONNREFUSED 10.0.0.1:4001');
  };
  const stream = upstream({ open, state: true, retry, log });
  await expect(stream.next()).rejects.toMatchObject({ extensions: { code: 'SUBGRAPH_STREAM_LOST' } });
  expect(attempts).toBe(1 + retry.attempts);
});

test('a reader that is slow gets the newest state, and that it was resumed', async () => {
  const source = topic<ExecutionResult>();
  let opened = 0;
  const stream = upstream({ open: async () => source.subscribe(result(10 * ++opened)), state: true, retry, log });
  await until(() => source.readers.size === 1);
  source.end(new Error('broken pipe'));
  await until(() => opened === 2 && source.readers.size === 1);
  for (let n = 21; n <= 5_000; n++) source.publish(result(n));
  await new Promise(resolve => setTimeout(resolve, 50));
  expect((await stream.next()).value).toEqual({ result: result(5_000), resumed: true, skipped: 0 });
});

test('occurrences wait, up to a bound; then the oldest go, and how many is said', async () => {
  const source = topic<ExecutionResult>();
  const stream = upstream({ open: async () => source.subscribe(), state: false, retry, log });
  await until(() => source.readers.size === 1);
  for (let n = 1; n <= 1_500; n++) {
    source.publish(result(n));
    await Promise.resolve();
  }
  await new Promise(resolve => setTimeout(resolve, 50));
  const first = (await stream.next()).value;
  const second = (await stream.next()).value;
  expect(first).toEqual({ result: result(501), resumed: false, skipped: 500 });
  expect(second).toEqual({ result: result(502), resumed: false, skipped: 0 });
});

test.each([
  'while it waits for an event',
  'while it opens',
  'between attempts',
])('return() leaves nothing behind %s', async when => {
  const source = topic<ExecutionResult>();
  let opened = 0;
  const open = async () => {
    opened++;
    if (when === 'between attempts') throw new Error('broken');
    if (when === 'while it opens') await new Promise(resolve => setTimeout(resolve, 20));
    return source.subscribe();
  };
  const stream = upstream({ open, state: true, retry: { attempts: 100, firstMs: 30, maxMs: 30 }, log });
  const next = stream.next();
  await until(() => (when === 'while it waits for an event' ? source.readers.size === 1 : opened > 0));
  await stream.return?.();
  expect((await next).done).toBe(true);
  const before = opened;
  await new Promise(resolve => setTimeout(resolve, 80));
  expect(source.readers.size).toBe(0);
  expect(opened).toBe(before);
});
