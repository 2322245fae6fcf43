/** Processes of a service that leave under load: one is killed, one is stopped in order. */
import type { Bench } from '../way/run.ts';
import { measure } from '../way/run.ts';
import { FEW_ACCOUNTS } from '../way/scenarios.ts';

export type Left = { deposits: number; p50Ms: number; p99Ms: number; maxMs: number; afterSeconds: number };

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** The service has three processes or more when it begins. */
export async function leave(
  bench: Bench,
  { service, seconds, perSecond }: { service: string; seconds: number; perSecond: number },
): Promise<Left> {
  const { system } = bench;
  const own = () => system.members().filter(({ name }) => name.replace(/-\d+$/, '') === service);
  const scenario = { name: 'leave', accounts: FEW_ACCOUNTS, how: { perSecond }, watched: FEW_ACCOUNTS };
  const measured = measure(bench, scenario, seconds);
  const leaving = (async () => {
    await sleep((seconds * 1_000) / 3);
    // The first is the one that the gateway asks.
    const [, killed, stopped] = own();
    if (!killed || !stopped) throw new Error(`${service} has fewer than three processes`);
    await system.end(killed.name, 'SIGKILL');
    await sleep((seconds * 1_000) / 3);
    await system.end(stopped.name, 'SIGTERM');
  })();
  const [{ seen }] = await Promise.all([measured, leaving]);
  if (seen.unpushed > 0) throw new Error(`${seen.unpushed} balances were never pushed`);
  const { p50Ms = 0, p99Ms = 0, maxMs = 0 } = seen.pushed ?? {};
  return { deposits: seen.deposits, p50Ms, p99Ms, maxMs, afterSeconds: seen.settledSeconds - seen.seconds };
}
