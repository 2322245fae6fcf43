/**
 * Versions side by side: under load, services are rolled from a release to the next, which writes version 2 of `deposited`,
 * and back; process by process, old and new at once, some of them killed. Nothing is lost and nothing is there twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../embedded/port.ts';
import { useServers } from '../events/fixture.ts';
import { signToken } from '../gateway/identity.ts';
import { serviceNames } from '../subgraphs/catalog.ts';
import { accountsOf, emittedTypes, noCounts, operatorClient, plusCounts, settled, systemOf } from './evidence.ts';
import { type AccountEvidence, auditAccount, auditSystem } from './invariants.ts';
import { type Balancer, startBalancer } from './rollout/balancer.ts';
import { type Acknowledged, type Door, type Load, payIn, startLoad } from './rollout/load.ts';
import { makeLast, makeNext, makeThis } from './rollout/releases.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  eventually,
  launch,
  openAccount,
  type Process,
  stopAll,
  temporaryFolder,
} from './system.ts';

type Release = 'last' | 'this' | 'next';

const folders = { last: temporaryFolder(), this: temporaryFolder(), next: temporaryFolder() };
const services = [...serviceNames(), 'mobile'];
const balancers = new Map<string, Balancer>();
const running: { name: string; release: Release; port: number; process: Process }[] = [];
const urls = useServers();
let env: NodeJS.ProcessEnv;
let url: string;
let alice: Client;
let olga: Client;
let accounts: string[];
let load: Load;
const both: Acknowledged[] = [];

const spread = (name: string) =>
  balancers.get(name)?.spread(running.filter(one => one.name === name).map(({ port }) => port));

async function start(name: string, release: Release): Promise<void> {
  const port = await freePort();
  const settings = { ...env, PORT: String(port) };
  running.push({
    name,
    release,
    port,
    process: await launch('service.ts', [name], settings, /is ready/, folders[release].path),
  });
  spread(name);
}

async function stop(name: string, release: Release, signal: NodeJS.Signals): Promise<void> {
  const index = running.findIndex(one => one.name === name && one.release === release);
  expect(index, `${name} of the release ${release} runs`).toBeGreaterThanOrEqual(0);
  const [stopped] = running.splice(index, 1);
  if (signal === 'SIGTERM') spread(name);
  stopped?.process.kill(signal);
  expect(await stopped?.process.exited).toBe(signal === 'SIGTERM' ? 0 : signal);
  spread(name);
}

/** Old and new run at once for a while. */
async function roll(name: string, from: Release, to: Release, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  await start(name, to);
  await load.more(10);
  await stop(name, from, signal);
  await load.more(5);
}

beforeAll(async () => {
  makeLast(folders.last.path);
  makeThis(folders.this.path);
  makeNext(folders.next.path);
  for (const name of services) balancers.set(name, await startBalancer());
  env = {
    MONGODB_URL: new URL(`/rollout-${process.pid}`, urls.mongodbUrl).href,
    REDIS_URL: urls.redisUrl,
    LIMIT_REQUESTS: '1000000',
    ...Object.fromEntries(
      [...balancers].map(([name, { port }]) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}/graphql`]),
    ),
  };
  await Promise.all(['gateway', ...services].map(name => start(name, 'this')));
  url = `http://127.0.0.1:${running.find(({ name }) => name === 'gateway')?.port}`;
  [alice, olga] = await Promise.all([clientOf(url, 'alice'), clientOf(url, 'olga', ['operator'])]);
  accounts = await Promise.all(Array.from({ length: 4 }, (_, index) => openAccount(alice, `Account ${index}`)));
});

afterAll(async () => {
  await load?.stop().catch(() => undefined);
  await stopAll();
  for (const balancer of balancers.values()) balancer.close();
  for (const folder of Object.values(folders)) folder.remove();
});

type Faults = { faults: { nodes: { id: string; error: string; eventType: string }[] } };
const openFaults = () =>
  olga.get<Faults>('{ faults(service: "reporting", resubmitted: false, first: 100) { nodes { id error eventType } } }');

/** What the lake has of `deposited`, as it was stored, in its order. */
async function storedDeposits() {
  const token = await signToken(AUTH_SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '1h' });
  const answer = await fetch(`${url}/lake/events.ndjson?types=deposited`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return (await answer.text())
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { id: string; source: string; dataschema: string })
    .map(({ id, source, dataschema }) => ({ id, source, version: Number(dataschema.split(':').at(-1)) }));
}

const versionsOfAccount = async () =>
  (await storedDeposits()).filter(({ source }) => source === '/account').map(({ version }) => version);
/** Old ones came after new ones. */
const isMixed = (versions: readonly number[]) => versions.lastIndexOf(1) > versions.indexOf(2) && versions.includes(2);

const ids = (some: readonly { id: string }[]) => some.map(({ id }) => id).sort();
const told = (account: string, door?: Door) =>
  [...load.acknowledged, ...both].filter(one => one.account === account && (!door || one.door === door));

describe('two doors, and two versions of what comes in at them', () => {
  it('takes the same key at both doors for two deposits: neither is lost, and neither id has two contents', async () => {
    const [account = ''] = accounts;
    for (const [door, amount] of [
      ['ACCOUNT', 7],
      ['MOBILE', 8],
    ] as const) {
      const asked = { account, door, amount, key: 'the same' };
      both.push({ ...asked, id: await payIn(alice, asked) });
    }
    expect(new Set(ids(both)).size).toBe(2);
  });

  it('goes to the next release under load, process by process', async () => {
    load = startLoad(alice, accounts);
    await load.more(10);
    // From here on old ones read a version that new ones have begun to write, and new ones that of the old.
    await start('account', 'next');
    await eventually(versionsOfAccount, isMixed);
    await stop('account', 'this', 'SIGKILL');
    await load.more(5);
    await roll('balance', 'this', 'next');
    await roll('reporting', 'this', 'next');
    await load.more(10);
    expect((await openFaults()).faults.nodes).toEqual([]);
  });

  it('sets aside what a release that is too old cannot read, and says so; nothing of it is lost', async () => {
    await stop('reporting', 'next', 'SIGTERM');
    await start('reporting', 'last');
    await load.more(10);
    const { faults } = await eventually(openFaults, found => found.faults.nodes.length > 0);
    for (const { error, eventType } of faults.nodes) {
      expect(eventType).toBe('deposited');
      expect(error).toMatch(/version 2 is newer than 1, the newest that this service knows; upgrade it, then resubmit/);
    }
    await stop('reporting', 'last', 'SIGTERM');
    await start('reporting', 'this');
    await eventually(
      async () => {
        const { faults: open } = await openFaults();
        const faultIds = open.nodes.map(({ id }) => id);
        if (faultIds.length > 0)
          await olga.get('mutation ($ids: [ID!]!) { resubmit(faultIds: $ids) { id } }', { ids: faultIds });
        return faultIds.length;
      },
      found => found === 0,
    );
  });

  it('goes back under load, process by process', async () => {
    await roll('account', 'next', 'this');
    await roll('balance', 'next', 'this', 'SIGKILL');
    await load.more(10);
    await load.stop();
    expect(running.map(({ release }) => release)).toEqual(running.map(() => 'this'));
  });

  it('has counted each deposit that was acknowledged once, everywhere, and every invariant holds', async () => {
    const operator = await operatorClient(url, AUTH_SECRET);
    expect((await settled(operator, 60_000)).waiting).toEqual([]);
    const all: AccountEvidence[] = [];
    for await (const account of accountsOf(operator)) all.push(account);
    const types = await emittedTypes(operator);
    const whole = await systemOf(operator, all.reduce(plusCounts, noCounts()));
    expect([...all.flatMap(account => auditAccount(account, types)), ...auditSystem(whole, 0)]).toEqual([]);

    expect(ids(all)).toEqual([...accounts].sort());
    for (const { id, transactions, ledger, statistics, lake } of all) {
      expect(ids(transactions)).toEqual(ids(told(id)));
      expect(ledger.map(({ eventId }) => eventId).sort()).toEqual(ids(told(id)));
      expect(ids(lake.filter(({ type }) => type === 'deposited'))).toEqual(ids(told(id)));
      expect(statistics.deposits).toBe(told(id).length);
    }
    const { mobileHome } = await alice.get<{ mobileHome: { accounts: Page[] } }>(HOME);
    expect(mobileHome.accounts.map(({ account }) => account.id).sort()).toEqual([...accounts].sort());
    for (const { account, amount, version, movements } of mobileHome.accounts) {
      const paid = told(account.id);
      expect([version, amount]).toEqual([paid.length, paid.reduce((sum, one) => sum + one.amount, 0)]);
      expect(movements.map(({ settled: is }) => is)).toEqual(Array(10).fill(true));
      const doors = new Map(paid.map(({ id, door }) => [id, door]));
      expect(movements.map(({ channel }) => channel)).toEqual(movements.map(({ id }) => doors.get(id)));
    }
  });

  it('has both versions in the lake, as they were written: the old, the new while old ones came too, and the old again', async () => {
    const stored = await storedDeposits();
    const ofAccount = await versionsOfAccount();
    expect(new Set(ofAccount)).toEqual(new Set([1, 2]));
    expect([ofAccount[0], ofAccount.at(-1)]).toEqual([1, 1]);
    const [from, to] = [ofAccount.indexOf(2), ofAccount.lastIndexOf(2)];
    // What came by phone was written by a release that does not write the new one yet.
    const byPhone = stored.filter(({ source }) => source === '/mobile').map(({ version }) => version);
    expect(new Set(byPhone)).toEqual(new Set([1]));
    expect(to - from).toBeGreaterThan(50);
    expect(ofAccount.slice(from, to)).toContain(1);
  });
});

type Page = {
  account: { id: string };
  amount: number;
  version: number;
  movements: { id: string; channel: string; settled: boolean }[];
};
const HOME = '{ mobileHome { accounts { account { id } amount version movements { id channel settled } } } }';
