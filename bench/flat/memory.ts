/** Whether memory stays where it is while deposits go on. */
import { median } from '../measure.ts';
import { tokenOf } from '../token.ts';
import { deposit, openAccounts } from '../way/accounts.ts';
import { usage } from '../way/costs.ts';
import { startSystem } from '../way/system.ts';

export type Memory = { name: string; firstMb: number; secondMb: number; endMb: number };

const ACCOUNTS = 200;
const LOOK_MS = 5_000;
/** Caches fill, and code is compiled. */
const WARM_UP_PART = 0.2;

/** @returns for each process the median of the first and of the second half of the time, after the warm-up. */
export async function memory(how: {
  perSecond: number;
  seconds: number;
}): Promise<{ deposits: number; processes: Memory[] }> {
  const system = await startSystem({ processes: 'one' });
  try {
    const owner = { url: system.url, token: await tokenOf() };
    const accounts = await openAccounts(owner, ACCOUNTS);
    const looks: Record<string, number>[] = [];
    let deposits = 0;
    const look = usage(system.members());
    const timer = setInterval(() => looks.push(look().memoryMb), LOOK_MS);
    await deposit(owner, accounts, how, () => {
      deposits += 1;
    });
    clearInterval(timer);
    const counted = looks.slice(Math.floor(looks.length * WARM_UP_PART));
    const of = (name: string, some: typeof looks) => median(some.map(one => one[name] ?? Number.NaN));
    const half = Math.floor(counted.length / 2);
    return {
      deposits,
      processes: system.members().map(({ name }) => ({
        ...{ name, firstMb: of(name, counted.slice(0, half)), secondMb: of(name, counted.slice(half)) },
        endMb: counted.at(-1)?.[name] ?? Number.NaN,
      })),
    };
  } finally {
    await system.stop();
  }
}
