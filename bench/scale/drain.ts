/** A backlog of one service, worked off by several of its processes, which all begin at the same moment. */
import { readFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { cpuOf } from '../measure.ts';
import { tokenOf } from '../token.ts';
import { deposit } from '../way/accounts.ts';
import type { Bench } from '../way/run.ts';
import { FEW_ACCOUNTS } from '../way/scenarios.ts';
import { count as counted } from './counted.ts';
import { keepPresent } from './present.ts';
import { throttle } from './throttle.ts';

export type Drained = {
  count: number;
  /** Of a core, that each process may use. */
  part: number;
  /** Deposits. */
  perSecond: number;
  /** A deposit, of all processes of a part together. */
  cpuMs: Record<string, number>;
  /** Of the CPU that the service has used, by process. */
  shares: number[];
  /** Of the service: commands to MongoDB a deposit, and rows that were refused by a unique index, by 1,000 deposits. */
  commands: number;
  lost: number;
};

const CLIENTS = 50;
const POLL_MS = 20;
const WITHIN_MS = 300_000;
const OTHERS_MS = 3_000;
/** The beginning and the end, when one may have more to do than another, are not looked at. */
const [FROM, TO] = [0.15, 0.85];

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

export async function drain(
  bench: Bench,
  { service, count, backlog, part }: { service: string; count: number; backlog: number; part: number },
): Promise<Drained> {
  const { system } = bench;
  const mongo = new MongoClient(system.mongodbUrl);
  try {
    const settled = balances(mongo);
    const accounts = JSON.parse(readFileSync(await bench.accountsFile(FEW_ACCOUNTS), 'utf8')) as string[];
    const deposits = depositsInto(accounts, { url: system.url, token: await tokenOf() });
    const own = () => system.members().filter(({ name }) => name.replace(/-\d+$/, '') === service);
    while (own().length < count) await system.add(service);

    // Each has done some work before, and has seen the others.
    let all = await settled();
    const reach = (wanted: number) => until(async () => (await settled()) >= wanted);
    all += await deposits(accounts.length * 2);
    await reach(all);

    const leave = keepPresent(system.redisUrl, service);
    for (const { pid } of own()) process.kill(pid, 'SIGSTOP');
    const made = await deposits(backlog);
    // What others make of the same deposits is done by then.
    await sleep(OTHERS_MS);
    const release = throttle(
      own().map(({ pid }) => pid),
      part,
    );
    leave();
    await reach(all + made * FROM);
    const members = system.members().map(member => ({ ...member, cpuMs: cpuOf([member.pid]) }));
    const asked = await counted(own().map(({ name }) => name));
    const [fromMs, from] = [performance.now(), await settled()];
    await reach(all + made * TO);
    const seconds = (performance.now() - fromMs) / 1_000;
    const done = (await settled()) - from;
    const { mongodb, lost } = await asked();
    const used = members.map(({ name, pid, cpuMs }) => ({ name: name.replace(/-\d+$/, ''), ms: cpuOf([pid]) - cpuMs }));
    await reach(all + made);
    release();
    const cpuMs: Record<string, number> = {};
    for (const { name, ms } of used) cpuMs[name] = (cpuMs[name] ?? 0) + ms / done;
    const shares = used.filter(({ name }) => name === service).map(({ ms }) => ms / done / (cpuMs[service] ?? 1));
    return {
      count,
      part,
      perSecond: done / seconds,
      cpuMs,
      shares,
      commands: mongodb / done,
      lost: (lost * 1_000) / done,
    };
  } finally {
    await mongo.close();
  }
}

/** How many balances there are. */
const balances = (mongo: MongoClient) => () =>
  mongo.db('tributary-balance').collection('events').estimatedDocumentCount();

/** @returns how many were made: a few more than wanted. */
function depositsInto(accounts: readonly string[], owner: Parameters<typeof deposit>[0]) {
  return async (wanted: number): Promise<number> => {
    let made = 0;
    while (made < wanted) {
      await deposit(owner, accounts, { clients: CLIENTS, seconds: 0.5 }, () => {
        made += 1;
      });
    }
    return made;
  };
}

async function until(met: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS;
  while (!(await met())) {
    if (performance.now() > deadlineMs) throw new Error(`not settled within ${WITHIN_MS} ms`);
    await sleep(POLL_MS);
  }
}
