/** Owners who pay in at both doors while processes come and go: each asks again, with the same key, until it has an answer. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, DEPOSIT, MOBILE_DEPOSIT } from '../system.ts';

export type Door = 'ACCOUNT' | 'MOBILE';
/** A deposit that was acknowledged. */
export type Acknowledged = { id: string; account: string; door: Door; key: string; amount: number };

/** What says nothing of the outcome. */
const UNKNOWN = ['UNAVAILABLE', 'TIMEOUT'];
const TRIES_MAX = 200;
const AGAIN_MS = 50;
const THINK_MS = 60;
const DEPOSITS_MAX = 2_000;

type Asked = Omit<Acknowledged, 'id'>;

const PAY: Record<Door, string> = {
  ACCOUNT: DEPOSIT.replace('deposit(', 'paid: deposit('),
  MOBILE: MOBILE_DEPOSIT.replace('mobileDeposit(', 'paid: mobileDeposit('),
};

type Paid = { paid: { transaction?: { id: string }; movement?: { id: string } } | null };

/** Asks until there is an answer. @returns the deposit's id. @throws when it is refused. */
export async function payIn(client: Client, { account, door, key, amount }: Asked): Promise<string> {
  const input = { accountId: account, amount, memo: key, idempotencyKey: key };
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await client.ask<Paid | null>(PAY[door], { input }).catch(() => undefined);
    const { transaction, movement } = answer?.data?.paid ?? {};
    const id = transaction?.id ?? movement?.id;
    if (id !== undefined) return id;
    const code = answer?.errors?.[0]?.extensions.code ?? 'UNAVAILABLE';
    if (!UNKNOWN.includes(code)) throw new Error(`${door} ${key}: ${JSON.stringify(answer?.errors)}`);
    await delay(AGAIN_MS);
  }
  throw new Error(`${door} ${key}: no answer`);
}

export type Load = {
  acknowledged: readonly Acknowledged[];
  /** Waits until so many more were acknowledged. */
  more(count: number): Promise<void>;
  /** @throws what went wrong: a request that was refused, or a key that was another deposit when it was asked again. */
  stop(): Promise<void>;
};

/** @param accounts a worker pays into each, now by one door, now by the other; now and then for the second time. */
export function startLoad(client: Client, accounts: readonly string[]): Load {
  const acknowledged: Acknowledged[] = [];
  const over = new AbortController();
  let failure: unknown;

  async function work(account: string, worker: number): Promise<void> {
    for (let turn = 1; !over.signal.aborted && acknowledged.length < DEPOSITS_MAX; turn++) {
      const door = turn % 3 === 0 ? 'MOBILE' : 'ACCOUNT';
      const asked: Asked = { account, door, key: `${worker}-${turn}`, amount: 1 + (turn % 50) };
      acknowledged.push({ ...asked, id: await payIn(client, asked) });
      const before = acknowledged[(turn * 7919) % acknowledged.length];
      // Whichever release has stored it.
      if (turn % 4 === 0 && before && (await payIn(client, before)) !== before.id)
        throw new Error(`${before.key}: is two deposits`);
      await delay(THINK_MS);
    }
  }

  const working = Promise.all(
    accounts.map((account, worker) =>
      work(account, worker).catch(error => {
        failure ??= error;
      }),
    ),
  );

  return {
    acknowledged,
    async more(count) {
      const goal = Math.min(DEPOSITS_MAX, acknowledged.length + count);
      while (acknowledged.length < goal) {
        if (failure) throw failure;
        await delay(10);
      }
    },
    async stop() {
      over.abort();
      await working;
      if (failure) throw failure;
    },
  };
}
