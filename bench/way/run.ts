/** Runs scenarios against the product, plain CRUD and the raw parts, in turn on the same servers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../embedded/port.ts';
import { startScript } from '../process.ts';
import { tokenOf } from '../token.ts';
import { openAccounts } from './accounts.ts';
import { type Usage, usage } from './costs.ts';
import type { Crud } from './crud.ts';
import type { Load } from './generator.ts';
import type { Rates, Raw } from './raw.ts';
import { FEW_ACCOUNTS, type Scenario } from './scenarios.ts';
import { resultOf, type Seen } from './seen.ts';
import type { System } from './system.ts';

/** At the same time, while a process gets as fast as it will be. */
export const WARM_UP_CLIENTS = 10;

export type Measured = { name: string; seen: Seen; usage: Usage };

export type Bench = {
  system: System;
  /** At least as many accounts as wished, opened once. @returns the file that holds their ids. */
  accountsFile(count: number): Promise<string>;
  close(): void;
};

export async function prepareBench(system: System): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-load-'));
  const token = await tokenOf();
  const ids: string[] = [];
  return {
    system,
    async accountsFile(count) {
      if (ids.length < count) ids.push(...(await openAccounts({ url: system.url, token }, count - ids.length)));
      const file = join(folder, `accounts-${count}.json`);
      writeFileSync(file, JSON.stringify(ids.slice(0, count)));
      return file;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** One scenario against the product. */
export async function measure(bench: Bench, scenario: Scenario, seconds: number): Promise<Measured> {
  const [token, operator] = [await tokenOf(), await tokenOf('olga', ['operator'])];
  const accounts = await bench.accountsFile(scenario.accounts);
  const watched = Math.min(scenario.watched, scenario.accounts);
  const load: Load = { url: bench.system.url, token, operator, accounts, watched, seconds, ...scenario.how };
  return { name: scenario.name, ...(await generate(load, bench.system.members())) };
}

async function generate(load: Load, members: ReturnType<System['members']>): Promise<Omit<Measured, 'name'>> {
  const generator = await startScript('generator', 'way/generator.ts', load);
  const used = usage(members);
  try {
    const seen = await resultOf<Seen>(generator);
    return { seen, usage: used() };
  } finally {
    await generator.stop();
  }
}

/** The same load on plain CRUD, with the same MongoDB; warmed up first, as the product is. */
export async function measureCrud(bench: Bench, clients: number, seconds: number, warmup: number): Promise<Measured> {
  const port = await freePort();
  const crud = await startScript('crud', 'way/crud.ts', { mongodbUrl: bench.system.mongodbUrl, port } satisfies Crud);
  try {
    const url = `http://127.0.0.1:${port}`;
    const accounts = await bench.accountsFile(FEW_ACCOUNTS);
    const load: Load = { url, token: await tokenOf(), accounts, watched: 0, seconds, clients };
    const mongodb = bench.system.members().filter(({ name }) => name === 'mongodb');
    if (warmup > 0) await generate({ ...load, clients: WARM_UP_CLIENTS, seconds: warmup }, []);
    return { name: `crud-${clients}`, ...(await generate(load, [{ name: 'crud', pid: crud.pid }, ...mongodb])) };
  } finally {
    await crud.stop();
  }
}

export async function measureRaw({ system: { mongodbUrl, redisUrl } }: Bench, seconds: number): Promise<Rates> {
  const raw = await startScript('raw', 'way/raw.ts', { mongodbUrl, redisUrl, seconds } satisfies Raw);
  try {
    return await resultOf<Rates>(raw);
  } finally {
    await raw.stop();
  }
}
