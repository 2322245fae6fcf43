/** Two ways to put load on a server: as fast as a number of clients get answers, or at a rate whatever the answers do. */
import { type Exchange, open } from './http.ts';

/** What one request was, and how long it took: from when it was due, not from when it could be sent. */
export type Answered = { n: number; tookMs: number; answer: string };

export type Pace = {
  url: string;
  /** The text of the request with this number, which is due then (`performance.now()`). */
  request(n: number, dueMs: number): string;
  /** Called for every answer, as it comes. */
  onAnswer(answered: Answered): void;
  seconds: number;
};

const CONNECTIONS_MAX = 1_000;
/** Servers close what is idle after 5 s: a connection is not used again when that is near. */
const IDLE_MAX_MS = 2_000;
const TURN_MS = 1;

/** Each client sends the next request when the answer to the last has come. @returns the seconds it took. */
export async function closedLoop({ url, request, onAnswer, seconds, clients }: Pace & { clients: number }) {
  const { hostname, port } = new URL(url);
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  let next = 0;
  async function client(): Promise<void> {
    const exchange = await open(hostname, Number(port));
    for (let dueMs = performance.now(); dueMs < endMs; dueMs = performance.now()) {
      const n = next++;
      const answer = await exchange.ask(request(n, dueMs));
      onAnswer({ n, tookMs: performance.now() - dueMs, answer });
    }
    exchange.close();
  }
  await Promise.all(Array.from({ length: clients }, client));
  return (performance.now() - startedMs) / 1_000;
}

/**
 * Request n is due at n / perSecond. It is sent then on a connection that is free; where none is left it waits, and the waiting
 * counts ("coordinated omission", Tene 2013).
 *
 * @returns the seconds until the last answer.
 */
export async function openLoop({ url, request, onAnswer, seconds, perSecond }: Pace & { perSecond: number }) {
  const { hostname, port } = new URL(url);
  const startedMs = performance.now();
  const dueAt = (n: number) => startedMs + (n * 1_000) / perSecond;
  const requests = Math.round(seconds * perSecond);
  const free: { exchange: Exchange; sinceMs: number }[] = [];
  const all: Exchange[] = [];
  const waiting: number[] = [];
  let failure: unknown;

  async function send(n: number, exchange: Exchange): Promise<void> {
    for (let at: number | undefined = n; at !== undefined; at = waiting.shift()) {
      const answer = await exchange.ask(request(at, dueAt(at)));
      onAnswer({ n: at, tookMs: performance.now() - dueAt(at), answer });
    }
    free.push({ exchange, sinceMs: performance.now() });
  }

  async function begin(n: number): Promise<void> {
    const newest = free.pop();
    if (newest && performance.now() - newest.sinceMs < IDLE_MAX_MS) return send(n, newest.exchange);
    // The others are idle for longer.
    for (const { exchange } of newest ? [newest, ...free.splice(0)] : []) {
      exchange.close();
      opened -= 1;
    }
    if (opened === CONNECTIONS_MAX) {
      waiting.push(n);
      return;
    }
    opened += 1;
    const exchange = await open(hostname, Number(port));
    all.push(exchange);
    return send(n, exchange);
  }

  let opened = 0;
  const underway = new Set<Promise<void>>();
  for (let n = 0; n < requests; ) {
    if (failure) break;
    for (; n < requests && dueAt(n) <= performance.now(); n++) {
      const one: Promise<void> = begin(n)
        .catch(error => {
          failure ??= error;
        })
        .finally(() => underway.delete(one));
      underway.add(one);
    }
    await new Promise(resolve => setTimeout(resolve, TURN_MS));
  }
  await Promise.all(underway);
  for (const exchange of all) exchange.close();
  if (failure) throw failure;
  return (performance.now() - startedMs) / 1_000;
}
