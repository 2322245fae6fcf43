import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../embedded/harness.ts';
import { answerOf, createClient } from './client.ts';

/** A client of a server that answers so. */
async function clientOf(answer: RequestListener, { patienceMs = 5_000, concurrency = 4 } = {}) {
  const server = createServer(answer);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ended = new AbortController();
  const client = createClient({ url: `http://127.0.0.1:${port}`, concurrency, patienceMs, signal: ended.signal });
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, ended };
}

const request = { token: 't', query: '{ a }' };
const data = JSON.stringify({ data: { a: 1 } });
const refusal = (code: string) => JSON.stringify({ errors: [{ message: 'no', extensions: { code } }] });

test.each([
  [200, data, { data: { a: 1 } }],
  [200, refusal('NOT_FOUND'), { code: 'NOT_FOUND', message: 'no' }],
  [401, refusal('UNAUTHENTICATED'), { code: 'UNAUTHENTICATED', message: 'no' }],
  [503, refusal('UNAVAILABLE'), { code: 'UNAVAILABLE', message: 'no' }],
  [502, '<html>', { code: 'UNAVAILABLE', message: 'HTTP status 502' }],
  [200, '<html>', { code: 'NOT_GRAPHQL', message: 'HTTP status 200: <html>' }],
])('status %i with %s is understood', (status, text, answer) => {
  expect(answerOf(status, text)).toEqual(answer);
});

test('out of reach is tried again until it answers; a refusal is not', async () => {
  let asked = 0;
  const { client } = await clientOf((incoming, response) => {
    asked += 1;
    if (asked === 1) return incoming.socket.destroy();
    if (asked === 2) return response.writeHead(503).end(refusal('UNAVAILABLE'));
    response.end(asked === 3 ? data : refusal('NOT_FOUND'));
  });
  expect(await client.ask(request)).toEqual({ data: { a: 1 } });
  expect(await client.ask(request)).toMatchObject({ code: 'NOT_FOUND' });
  expect(client.counts).toMatchObject({ sent: 4, retried: 2, unexpected: [] });
});

test('an internal error is tried again too, and remembered', async () => {
  let asked = 0;
  const { client } = await clientOf((_, response) => {
    asked += 1;
    response.end(asked === 1 ? refusal('INTERNAL_SERVER_ERROR') : data);
  });
  expect(await client.get(request)).toEqual({ a: 1 });
  expect(client.counts.unexpected).toEqual(['INTERNAL_SERVER_ERROR: no']);
});

test('patience ends', async () => {
  const { client } = await clientOf((_, response) => response.writeHead(503).end(), { patienceMs: 200 });
  await expect(client.ask(request)).rejects.toMatchObject({ name: 'OutOfReach' });
});

test('everything ends when time is up', async () => {
  const { client, ended } = await clientOf((_, response) => response.writeHead(503).end());
  const asking = client.ask(request);
  ended.abort(new Error('time is up'));
  await expect(asking).rejects.toThrow('time is up');
});

test('a client that hangs up is not answered and does not try again', async () => {
  const { client } = await clientOf(async (_, response) => {
    await delay(200);
    response.end(data);
  });
  expect(await client.ask({ ...request, hangUpMs: 5 })).toMatchObject({ code: 'OUT_OF_REACH' });
  expect(client.counts.sent).toBe(1);
});

test('no more requests at one time than were allowed', async () => {
  let [running, most] = [0, 0];
  const { client } = await clientOf(
    async (_, response) => {
      running += 1;
      most = Math.max(most, running);
      // The first ones stay until there are as many as there may be, and a moment in which one more would come.
      await until(() => most === 3);
      await delay(5);
      running -= 1;
      response.end(data);
    },
    { concurrency: 3 },
  );
  await Promise.all(Array.from({ length: 30 }, () => client.ask(request)));
  expect(most).toBe(3);
});
