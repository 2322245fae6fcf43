/** The process of the subscribers: does what it is ordered, one order after the other, and answers with a tally. */
import { quantile } from '../measure.ts';
import { tokenOf } from '../token.ts';
import type { Audience, Order, Tally } from './audience.ts';
import { type OpenSocket, openSocket } from './subscriber.ts';

/** Sockets that are being opened at one time. */
const OPENING = 50;

const sockets: OpenSocket[] = [];
let latenciesMs: number[] = [];
let failures = 0;
let firstFailure: string | undefined;

const nowMs = (): number => performance.timeOrigin + performance.now();

function onFailure(what: string): void {
  failures++;
  firstFailure ??= what;
}

function onDelivery(emittedAtMs: number): void {
  latenciesMs.push(nowMs() - emittedAtMs);
}

async function open({ url, subscribers, perSocket, watching, selection }: Audience): Promise<void> {
  const count = Math.ceil(subscribers / perSocket);
  let next = 0;
  async function opener(): Promise<void> {
    for (let place = next++; place < count; place = next++) {
      const first = place * perSocket;
      const size = Math.min(perSocket, subscribers - first);
      const accounts = Array.from({ length: size }, (_, n) => (watching === 'one' ? 'a1' : `a${first + n + 1}`));
      const token = await tokenOf(watching === 'one' ? 'alice' : `owner${place + 1}`);
      sockets.push(await openSocket({ url, token, accounts, selection, onDelivery, onFailure }));
    }
  }
  await Promise.all(Array.from({ length: OPENING }, opener));
}

function reset(): void {
  latenciesMs = [];
  [failures, firstFailure] = [0, undefined];
}

async function close(): Promise<void> {
  await Promise.all(sockets.splice(0).map(socket => socket.close()));
}

async function obey(order: Order): Promise<void> {
  if (order.kind === 'open' || order.kind === 'reset') reset();
  if (order.kind === 'open') await open(order.audience);
  if (order.kind === 'close') await close();
}

function tally({ kind }: Order): Tally {
  const counted = { deliveries: latenciesMs.length, atMs: performance.now(), failures };
  return {
    ...counted,
    ...(firstFailure !== undefined && { firstFailure }),
    ...(kind === 'report' && {
      latency: {
        p50Ms: quantile(latenciesMs, 0.5),
        p99Ms: quantile(latenciesMs, 0.99),
        maxMs: quantile(latenciesMs, 1),
      },
    }),
  };
}

process.on('message', (order: Order) => {
  obey(order)
    // What failed is in the tally; who waits for deliveries will miss them.
    .catch(() => undefined)
    .then(() => process.send?.(tally(order)));
});
