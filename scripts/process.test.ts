import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { adviceOn } from './process.ts';

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
