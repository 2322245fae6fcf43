/**
 * A client that costs little, so that what is measured is the gateway: HTTP/1.1 by hand over kept-alive connections, each
 * with one request on its way. Every answer is looked at: it has to be whole, a success, and about what was asked.
 */
import { connect, type Socket } from 'node:net';
import type { Operation } from './operations.ts';

export type Load = {
  url: string;
  token: string;
  operation: Operation;
  connections: number;
  seconds: number;
};

export type LoadResult = {
  requests: number;
  seconds: number;
  /** Of each request, in no particular order. */
  latenciesMs: number[];
};

// Goes on over all loads of a run: no request repeats one that was made a short while ago.
let asked = 0;

/** Asks as fast as the answers come. @throws when an answer is wrong. */
export async function load({ url, token, operation, connections, seconds }: Load): Promise<LoadResult> {
  const { hostname, port, pathname } = new URL(url);
  const head = `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: `;
  const query = JSON.stringify(operation.query);
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;

  async function client(): Promise<void> {
    const exchange = await open(hostname, Number(port));
    for (let sentMs = performance.now(); sentMs < endMs; ) {
      const n = asked++;
      const body = `{"query":${query},"variables":${JSON.stringify(operation.variables(n))}}`;
      const answer = await exchange.ask(`${head}${body.length}\r\n\r\n${body}`);
      if (!right(answer, operation.expected(n))) throw new Error(`${url} answered ${body} with ${answer}`);
      const nowMs = performance.now();
      latenciesMs.push(nowMs - sentMs);
      sentMs = nowMs;
    }
    exchange.close();
  }

  await Promise.all(Array.from({ length: connections }, client));
  return { requests: latenciesMs.length, seconds: (performance.now() - startedMs) / 1000, latenciesMs };
}

const right = (answer: string, expected: string): boolean =>
  answer.startsWith('HTTP/1.1 200') && answer.includes(expected) && !answer.includes('"errors"');

type Exchange = { ask(request: string): Promise<string>; close(): void };

async function open(host: string, port: number): Promise<Exchange> {
  const socket = await connected(host, port);
  let received = '';
  let waiting: { resolve(answer: string): void; reject(error: Error): void } | undefined;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    if (!isWhole(received)) return;
    const answer = received;
    received = '';
    waiting?.resolve(answer);
  });
  socket.on('error', error => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error(`port ${port} closed the connection`)));
  return {
    ask: request =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request, 'latin1');
      }),
    close: () => void socket.destroy(),
  };
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** In latin1 a character is a byte. */
function isWhole(received: string): boolean {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = LENGTH.exec(received.slice(0, headEnd))?.[1];
  // Without a length it comes in chunks, of which the last is empty.
  return length === undefined ? received.endsWith('\r\n0\r\n\r\n') : received.length >= headEnd + 4 + Number(length);
}
