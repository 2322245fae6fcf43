import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Listener, listener } from './listener.ts';

const TIMEOUTS = { headersMs: 300, requestMs: 600 };
const answer: RequestListener = (request, response) => {
  request.resume().once('end', () => response.end('answered'));
};
const door: Listener = listener(answer, TIMEOUTS);
let port: number;
beforeAll(async () => {
  ({ port } = await door.listen('127.0.0.1', 0));
});
afterAll(() => door.stop(1_000));

/** A connection, and what came back on it until the other side ended it. */
function client() {
  const socket: Socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', data => {
    received += data;
  });
  socket.on('error', () => undefined);
  const startedMs = performance.now();
  const ended = once(socket, 'close').then(() => ({ received, afterMs: performance.now() - startedMs }));
  return { socket, ended };
}

/** Sends a character at a time, for as long as it may. */
function dribble(socket: Socket, text: string) {
  const left = [...text];
  const timer = setInterval(() => socket.write(left.shift() ?? 'x'), 30);
  socket.once('close', () => clearInterval(timer));
}

test.each([
  ['headers', 'POST /graphql HTTP/1.1\r\nHost: here\r\nX-Slow: ', TIMEOUTS.headersMs],
  ['a body', 'POST /graphql HTTP/1.1\r\nHost: here\r\nContent-Length: 10000\r\n\r\n', TIMEOUTS.requestMs],
])('who sends %s drop by drop is cut off, though something always comes', async (what, text, timeoutMs) => {
  const { socket, ended } = client();
  // The headers whole when it is the body that is slow.
  if (what === 'a body') socket.write(text);
  dribble(socket, what === 'a body' ? '' : text);
  const { received, afterMs } = await ended;
  expect(received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(received).toContain('{"errors":[{"message":"The request took too long to arrive."');
  expect(afterMs).toBeGreaterThan(timeoutMs - 50);
  expect(afterMs).toBeLessThan(timeoutMs + 3_000);
});

test('who connects and says nothing is cut off as well', async () => {
  const { afterMs } = await client().ended;
  expect(afterMs).toBeLessThan(TIMEOUTS.requestMs + 3_000);
});

test('who comes back at once with a thousand others has a place, and need not try again a second later', async () => {
  const clients = Array.from({ length: 1_000 }, () => connect(port, '127.0.0.1'));
  const connected = Promise.all(clients.map(socket => once(socket, 'connect')));
  // Nothing was taken up meanwhile: who has no place now is refused by the system, which tries again after 1 s.
  const taken = await Promise.race([connected, sleep(900)]);
  for (const socket of clients) socket.on('error', () => undefined).destroy();
  expect(taken).toHaveLength(1_000);
});

test.each([
  ['what is no HTTP', 'hello\r\n\r\n', '400 Bad Request'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', '400 Bad Request'],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '400 Bad Request',
  ],
  [
    'headers without end',
    `GET / HTTP/1.1\r\nHost: here\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
  ],
])('%s is answered in JSON, and the connection ends though the client keeps it', async (_, text, status) => {
  const { socket, ended } = client();
  socket.write(text);
  const { received } = await ended;
  expect(received.startsWith(`HTTP/1.1 ${status}\r\n`)).toBe(true);
  const [, body = ''] = received.split('\r\n\r\n');
  expect(JSON.parse(body).errors[0].extensions).toEqual({ code: 'BAD_REQUEST' });
});

test('a request in time is answered', async () => {
  const patient = listener(answer);
  const { url } = await patient.listen('127.0.0.1', 0);
  const response = await fetch(url, { method: 'POST', body: 'x' });
  expect(await response.text()).toBe('answered');
  await patient.stop(1_000);
});
