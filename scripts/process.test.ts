import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { adviceOn, tellWhetherReachable } from './process.ts';

function listen(port: number): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

test('a port that is taken is named, with what to do about it', async () => {
  const port = await listen(0);
  const error = await listen(port).catch((error: Error) => error);
  expect(error).toBeInstanceOf(Error);
  expect(adviceOn(error as Error)).toBe(
    `Port ${port} is in use by another program: stop that one, or set PORT to a port that is free.`,
  );
});

test('what says already what to do is left as it is', () => {
  expect(adviceOn(new Error('MongoDB cannot be reached: start it'))).toBe('MongoDB cannot be reached: start it');
});

test('one line tells that Redis is lost, or was not there at the start, and one that it is back', () => {
  const lines: unknown[] = [];
  const redis = new EventEmitter();
  const log = { warn: (of: object) => lines.push(['warn', of]), info: (text: string) => lines.push(['info', text]) };
  const quiet = tellWhetherReachable(redis as unknown as Redis, log as never);
  redis.emit('ready');
  expect(lines).toEqual([]);
  for (let tries = 0; tries < 3; tries++) {
    redis.emit('error', new Error('connect ECONNREFUSED'));
    redis.emit('close');
  }
  expect(lines).toEqual([['warn', { reason: 'connect ECONNREFUSED' }]]);
  redis.emit('ready');
  redis.emit('close');
  expect(lines.slice(1)).toEqual([
    ['info', 'Redis is back: what has waited is sent'],
    ['warn', { reason: undefined }],
  ]);
  quiet();
  redis.emit('ready');
  expect(lines.length).toBe(3);
});
