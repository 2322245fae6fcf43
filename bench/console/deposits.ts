/** Deposits at a steady pace, over the API as a client would. */
import type { Client } from '../../test/system.ts';

const TURN_MS = 100;
/** In one request. */
const TOGETHER = 5;
/** Requests on their way; where the system cannot keep up, fewer are made. */
const REQUESTS_MAX = 40;

const VARIABLES = Array.from({ length: TOGETHER }, (_, index) => `$i${index}: TransactionInput!`).join(', ');
const FIELDS = Array.from(
  { length: TOGETHER },
  (_, index) => `d${index}: deposit(input: $i${index}) { transaction { id } }`,
).join(' ');
const DEPOSITS = `mutation (${VARIABLES}) { ${FIELDS} }`;

export type Load = { made(): number; stop(): Promise<void> };

/** @param perSecond as many as this, if the system takes them. */
export function depositing(client: Client, accounts: readonly string[], perSecond: number): Load {
  let [made, wanted, stopped] = [0, 0, false];
  const underway = new Set<Promise<void>>();

  async function request(): Promise<void> {
    const inputs = Array.from({ length: TOGETHER }, (_, index) => [
      `i${index}`,
      { accountId: accounts[(made + index) % accounts.length], amount: 100 },
    ]);
    await client.get(DEPOSITS, Object.fromEntries(inputs));
    made += TOGETHER;
  }

  const running = (async () => {
    for (let atMs = performance.now(); !stopped; ) {
      await new Promise(resolve => setTimeout(resolve, TURN_MS));
      const nowMs = performance.now();
      wanted += (perSecond * (nowMs - atMs)) / 1_000;
      atMs = nowMs;
      for (; wanted >= TOGETHER; wanted -= TOGETHER) {
        // What it cannot take now is not made up for later.
        if (underway.size >= REQUESTS_MAX) continue;
        const one = request()
          // A deposit that was refused is not counted; the figures say how many came through.
          .catch(() => undefined)
          .finally(() => underway.delete(one));
        underway.add(one);
      }
    }
    await Promise.all(underway);
  })();

  return {
    made: () => made,
    stop: () => {
      stopped = true;
      return running;
    },
  };
}
