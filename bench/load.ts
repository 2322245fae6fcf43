/**
 * A client that costs little, so that what is measured is the gateway: HTTP/1.1 by hand over kept-alive connections, each
 * with one request on its way. Every answer is looked at: it has to be whole, a success, and about what was asked.
 */
import type { Operation } from './operations.ts';
import { headOf, isSuccess, open, requestOf } from './way/http.ts';

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
  const { hostname, port } = new URL(url);
  const head = headOf(url, token);
  const query = JSON.stringify(operation.query);
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;

  async function client(): Promise<void> {
    const exchange = await open(hostname, Number(port));
    for (let sentMs = performance.now(); sentMs < endMs; ) {
      const n = asked++;
      const body = `{"query":${query},"variables":${JSON.stringify(operation.variables(n))}}`;
      const answer = await exchange.ask(requestOf(head, body));
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

const right = (answer: string, expected: string): boolean => isSuccess(answer) && answer.includes(expected);
