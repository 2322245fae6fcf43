/** A backlog of one service, worked off by several of its processes. */
import { readFileSync } from 'node:fs';
import { cpuOf } from '../measure.ts';
import { tokenOf } from '../token.ts';
import { deposit } from '../way/accounts.ts';
import { lakeOf } from '../way/lake.ts';
import type { Bench } from '../way/run.ts';
import { FEW_ACCOUNTS } from '../way/scenarios.ts';

export type Drained = {
  count: number;
  /** Deposits. */
  perSecond: number;
  /** A deposit, of all processes of a part together. */
  cpuMs: Record<string, number>;
  /** Of the CPU that the service has used, by process. */
  shares: number[];
};

const CLIENTS = 50;
const POLL_MS = 10;
const WITHIN_MS = 300_000;
/** The processes start at the beginning and wait for one another at the end: neither is looked at. */
const [FROM, TO] = [0.15, 0.9];

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

export async function drain(
  { system, accountsFile }: Bench,
  { service, count, backlog }: { service: string; count: number; backlog: number },
): Promise<Drained> {
  const owner = { url: system.url, token: await tokenOf() };
  const accounts = JSON.parse(readFileSync(await accountsFile(FEW_ACCOUNTS), 'utf8')) as string[];
  const position = await lakeOf(system.url, await tokenOf('olga', ['operator']));
  const reach = async (wanted: number) => {
    const deadlineMs = performance.now() + WITHIN_MS;
    while ((await position()) < wanted) {
      if (performance.now() > deadlineMs)
        throw new Error(`the lake has not got ${wanted} events within ${WITHIN_MS} ms`);
      await sleep(POLL_MS);
    }
  };
  const own = () => system.members().filter(({ name }) => name.replace(/-\d+$/, '') === service);

  for (const { name } of own()) await system.end(name, 'SIGTERM');
  const before = await position();
  let made = 0;
  while (made < backlog) {
    await deposit(owner, accounts, { clients: CLIENTS, seconds: 0.5 }, () => {
      made += 1;
    });
  }
  await reach(before + made);
  // From here on the lake gets nothing but the balances.
  await Promise.all(Array.from({ length: count }, () => system.add(service)));
  const balances = before + made;
  await reach(balances + made * FROM);
  const members = system.members().map(member => ({ ...member, cpuMs: cpuOf([member.pid]) }));
  const [fromMs, from] = [performance.now(), await position()];
  await reach(balances + made * TO);
  const settled = (await position()) - from;
  const seconds = (performance.now() - fromMs) / 1_000;
  const used = members.map(({ name, pid, cpuMs }) => ({ name: name.replace(/-\d+$/, ''), ms: cpuOf([pid]) - cpuMs }));
  await reach(balances + made);
  const cpuMs: Record<string, number> = {};
  for (const { name, ms } of used) cpuMs[name] = (cpuMs[name] ?? 0) + ms / settled;
  const shares = used.filter(({ name }) => name === service).map(({ ms }) => ms / settled / (cpuMs[service] ?? 1));
  return { count, perSecond: settled / seconds, cpuMs, shares };
}
