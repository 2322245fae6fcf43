/** What a deposit costs in a system with a past. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, since, total } from '../budget/counts.ts';
import { idOf } from '../lake/history.ts';
import { tokenOf } from '../token.ts';
import { deposit, openAccounts } from '../way/accounts.ts';
import { sumOf, usage } from '../way/costs.ts';
import { lakeOf } from '../way/lake.ts';
import { startSystem } from '../way/system.ts';
import { seed } from './seed.ts';

export type Past = { events: number; accounts: number };
export type Level = Past & { deposits: number; cpuMs: number; mongodb: number; trips: number; p50Ms: number };

const OWNER = 'alice';
const WARM_UP_SECONDS = 3;
const FIRST_MS = 3_000;
const WITHIN_MS = 300_000;
const POLL_MS = 20;

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

export async function level(
  past: Past,
  how: { perSecond: number; seconds: number },
  say: (text: string) => void,
): Promise<Level> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tributary-flat-'));
  try {
    // Every service has joined, and looked everything through once, before there is a past.
    const first = await startSystem({ processes: 'one', dataDir });
    await openAccounts({ url: first.url, token: await tokenOf(OWNER) }, 1);
    await sleep(FIRST_MS);
    await first.stop();
    await seed({ dataDir, ...past, owner: OWNER }, done => {
      if (done % 50_000 < 1_000) say(`  ${done} of ${past.events} events`);
    });
    return { ...past, ...(await costs(dataDir, past, how)) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function costs(dataDir: string, { accounts }: Past, how: { perSecond: number; seconds: number }) {
  const preload = fileURLToPath(new URL('../budget/counters.ts', import.meta.url));
  const socket = join(dataDir, 'counters.sock');
  const system = await startSystem({
    ...{ processes: 'one', dataDir, nodeArgs: ['--import', preload] },
    env: () => ({ BENCH_COUNTERS: socket }),
  });
  try {
    const owner = { url: system.url, token: await tokenOf(OWNER) };
    const position = await lakeOf(system.url, await tokenOf('olga', ['operator']));
    const ids = Array.from({ length: accounts }, (_, account) => idOf(account));
    let [made, before] = [0, await position()];
    const settled = async () => {
      const deadlineMs = performance.now() + WITHIN_MS;
      while ((await position()) < before + 2 * made) {
        if (performance.now() > deadlineMs) throw new Error('the deposits have not settled');
        await sleep(POLL_MS);
      }
    };
    const send = (seconds: number, tookMs: number[] = []) =>
      deposit(owner, ids, { ...how, seconds }, answered => {
        made += 1;
        tookMs.push(answered.tookMs);
      });
    await send(WARM_UP_SECONDS);
    await settled();
    before = await position();
    made = 0;
    const counted = await ask(socket, 'count');
    const used = usage(system.members());
    const tookMs: number[] = [];
    await send(how.seconds, tookMs);
    await settled();
    const { cpuMs } = used();
    const counts = since(counted, await ask(socket, 'count'));
    const [p50Ms = Number.NaN] = tookMs.sort((one, other) => one - other).slice(Math.floor(tookMs.length / 2));
    return {
      ...{ deposits: made, p50Ms, cpuMs: sumOf(cpuMs) / made },
      ...{ mongodb: total(counts.mongodb) / made, trips: total(counts.trips) / made },
    };
  } finally {
    await system.stop();
  }
}
