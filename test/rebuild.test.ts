/** Rebuilds, as an operator asks for them, of services whose data were damaged behind their back, while clients go on. */
import { type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Servers } from '../embedded/index.ts';
import { freePort } from '../embedded/port.ts';
import {
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  openAccount,
  type System,
  sharedServers,
  startSystem,
  stopAll,
  temporaryFolder,
  WITHDRAW,
} from './system.ts';

/** No balance here comes to this. */
const WRONG_MINOR = 777_777;
const PREFIX = `rebuild-${process.pid}`;
const folder = temporaryFolder();
let servers: Servers;
let mongo: MongoClient;
let system: System;
let alice: Client;
let bob: Client;
let olga: Client;
let accounts: string[];
let busy: string;

const env = () => ({ MONGODB_URL: servers.mongodbUrl, REDIS_URL: servers.redisUrl });
const database = (service: string) => mongo.db(`${PREFIX}-${service}`);

beforeAll(async () => {
  servers = await sharedServers(folder.path, PREFIX);
  mongo = new MongoClient(servers.mongodbUrl);
  // It is started again there: one that nobody's attempts to connect take meanwhile.
  system = await startSystem(folder.path, await freePort(), env());
  [alice, bob, olga] = await Promise.all([
    clientOf(system.url, 'alice'),
    clientOf(system.url, 'bob'),
    clientOf(system.url, 'olga', ['operator']),
  ]);
  accounts = await Promise.all(Array.from({ length: 4 }, () => openAccount(alice)));
  busy = await openAccount(bob);
  await Promise.all(
    accounts.flatMap(accountId =>
      Array.from({ length: 12 }, (_, index) => alice.get(DEPOSIT, { input: { accountId, amount: 10 + index } })),
    ),
  );
  await eventually(balances, all => all.every(({ version }) => version === 12));
  await Promise.all(accounts.map(accountId => alice.get(WITHDRAW, { input: { accountId, amount: 5 } })));
  await eventually(statistics, all => all.every(({ withdrawals }) => withdrawals === 1));
  await eventually(balances, all => all.every(({ version }) => version === 13));
});

afterAll(async () => {
  await stopAll();
  await mongo?.close();
  await servers?.stop();
  folder.remove();
});

const STATE = `
  query ($id: ID!) { account(id: $id) {
    name currency openedAt balance { amount version asOf }
    transactions(first: 100) { nodes { id type amount time status } }
    ledger(first: 100) { nodes { version amount balance time eventId eventType } }
    statistics(interval: HOUR) { from deposits withdrawals deposited withdrawn largest }
    ever: statistics(interval: ALL) { deposits withdrawals } } }`;

type State = {
  account: {
    balance: { version: number };
    ledger: { nodes: { version: number; balance: number; eventId: string }[] };
    /** Of all hours together: an hour may end while the tests run. */
    ever: { withdrawals: number; deposits: number }[];
  };
};

const look = (client: Client, id: string) => client.get<State>(STATE, { id });
const state = () => Promise.all(accounts.map(id => look(alice, id)));
const balances = async () => (await state()).map(({ account }) => account.balance);
const statistics = async () => (await state()).map(({ account }) => account.ever[0] ?? { withdrawals: 0 });

type Replay = {
  id: string;
  status: string;
  differences: number | null;
  error: string | null;
  total: number;
  applied: number;
  eventsPerSecond: number | null;
};

async function replayed(service: string, input = ''): Promise<Replay> {
  return over(await olga.get(`mutation { replay(input: { service: "${service}", ${input} }) { id } }`));
}

/** How a replay ended that an operator has asked for. */
async function over(asked: Record<string, { id: string }>): Promise<Replay> {
  const [replay] = Object.values(asked);
  const done = await eventually(
    () =>
      olga.get<{ replay: Replay }>(
        `{ replay(id: "${replay?.id}") { id status differingSubjects mode dryRun total applied eventsPerSecond differences error reason requestedBy } }`,
      ),
    ({ replay: { status, applied, total } }) => {
      expect(applied).toBeLessThanOrEqual(total);
      return status !== 'PLANNED' && status !== 'RUNNING';
    },
  );
  return done.replay;
}

/** One client that deposits and looks, all the time; and one that watches. Nothing may be refused, and nothing go back. */
function load(client: Client, accountId: string) {
  const wrong: string[] = [];
  const seen: number[] = [];
  let made = 0;
  let over = false;
  const depositing = (async () => {
    let version = 0;
    while (!over) {
      const answer = await client.ask(DEPOSIT, { input: { accountId, amount: 1 } });
      if (answer.errors) wrong.push(JSON.stringify(answer.errors));
      else made += 1;
      const { data, errors } = await client.ask<State>(STATE, { id: accountId });
      if (errors) wrong.push(JSON.stringify(errors));
      if (data.account.balance.version < version) wrong.push(`${version} and then ${data.account.balance.version}`);
      version = data.account.balance.version;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  })();
  const socket = client.socket();
  const stream = socket.iterate<{ balanceChanged: { balance: { version: number } } }>({
    query: `subscription { balanceChanged(accountId: "${accountId}") { balance { version } } }`,
  });
  const watching = (async () => {
    for await (const { data, errors } of stream) {
      if (errors) wrong.push(`subscription: ${JSON.stringify(errors)}`);
      const version = data?.balanceChanged.balance.version ?? -1;
      if (version < (seen.at(-1) ?? 0)) wrong.push(`the subscription saw ${seen.at(-1)} and then ${version}`);
      seen.push(version);
    }
  })();
  return async () => {
    over = true;
    await depositing;
    // All that was acknowledged arrives, at the one who watches as well.
    const { account } = await eventually(
      () => look(client, accountId),
      ({ account: { ledger, balance } }) =>
        ledger.nodes[0]?.version === balance.version && balance.version === total(made),
    );
    await eventually(
      async () => seen.at(-1),
      version => version === account.balance.version,
    );
    await stream.return?.();
    await watching;
    await socket.dispose();
    return { wrong, made };
  };
}

let before = 0;
/** How many transactions the busy account has by now. */
function total(made: number): number {
  return before + made;
}

/** What a rebuild mends, service by service: how the data are damaged, and what shows that they are. */
const DAMAGE: Record<string, () => Promise<unknown>> = {
  async reporting() {
    const statistics = await served('reporting', 'statistics');
    await statistics.deleteOne({ account: accounts[0] });
    await statistics.updateOne({ account: accounts[1] }, { $set: { deposits: 999, version: 999 } });
    await (await served('reporting', 'store')).deleteMany({ account: accounts[2] });
  },
  async balance() {
    const ledger = await served('balance', 'events');
    await ledger.deleteMany({ chain: accounts[0], version: { $in: [3, 4] } });
    await ledger.updateOne({ chain: accounts[1], version: 5 }, { $set: { 'event.data.balanceMinor': WRONG_MINOR } });
    await ledger.insertOne({ _id: 'bogus', chain: accounts[2], version: 14, cause: 'bogus', event: bogus() });
  },
  async account() {
    const view = await served('account', 'accounts');
    await view.updateOne({ _id: accounts[0] ?? '' }, { $set: { version: 900, amountMinor: 1 } });
    await view.deleteOne({ _id: accounts[1] ?? '' });
    const record = database('account').collection('events');
    await record.deleteMany({ account: accounts[2] });
    await record.updateMany({ account: accounts[3] }, { $set: { 'event.data.amountMinor': 3 } });
  },
};

type Row = Document & { _id: string };

/** A collection of a service, in the generation that is served. */
async function served(service: string, name: string) {
  const { active } = await generations(service);
  return database(service).collection<Row>(active === 1 ? name : `${name}-${active}`);
}

function bogus(): Document {
  return {
    data: { version: 14, amountMinor: 1, balanceMinor: 1, eventId: 'bogus', eventType: 'deposited', eventTime: '' },
  };
}

describe.each(['reporting', 'balance', 'account'])('the %s service', service => {
  it('is rebuilt from the lake beside its damaged data, while nothing is refused and nothing goes back', async () => {
    const healthy = await state();
    before = (await look(bob, busy)).account.balance.version;
    const stop = load(bob, busy);
    await DAMAGE[service]?.();
    const dry = await replayed(service, 'mode: REBUILD, dryRun: true');
    expect(dry).toMatchObject({ status: 'COMPLETED', error: null });
    if (service !== 'account') expect(dry.differences).toBeGreaterThan(1);
    const done = await replayed(service, 'mode: REBUILD, reason: "a test"');
    expect(done).toMatchObject({ status: 'COMPLETED', error: null, reason: 'a test', requestedBy: 'olga' });
    expect(done.differences).toBeGreaterThan(1);
    expect(done.eventsPerSecond).toBeGreaterThan(0);
    const { wrong, made } = await stop();
    expect(wrong).toEqual([]);
    expect(made).toBeGreaterThan(10);
    expect(await state()).toEqual(healthy);
    expect(await replayed(service, 'mode: REBUILD')).toMatchObject({ status: 'COMPLETED', differences: 0 });
    expect(await state()).toEqual(healthy);
  });
});

describe('a rebuild', () => {
  it('survives the death of every process in its middle, and goes on where it was', async () => {
    const healthy = await state();
    await DAMAGE.reporting?.();
    const { replay } = await olga.get<{ replay: { id: string } }>(
      'mutation { replay(input: { service: "reporting", mode: REBUILD, ratePerSecond: 60 }) { id } }',
    );
    const status = async () =>
      (await olga.get<{ replay: Replay }>(`{ replay(id: "${replay.id}") { status applied differences error } }`))
        .replay;
    await eventually(status, ({ applied }) => applied > 0);
    system.kill('SIGKILL');
    await system.exited;
    system = await startSystem(folder.path, Number(new URL(system.url).port), env());
    const done = await eventually(status, ({ status }) => status === 'COMPLETED');
    expect(done).toMatchObject({ error: null });
    expect(done.differences).toBeGreaterThan(1);
    expect(await state()).toEqual(healthy);
  });

  it('of one account leaves all others as they are', async () => {
    const healthy = await state();
    const { active } = await generations('balance');
    const rows = await served('balance', 'events');
    for (const [index, version] of [4, 5].entries())
      await rows.updateOne({ chain: accounts[index], version }, { $set: { 'event.data.balanceMinor': WRONG_MINOR } });
    const [first, second] = await state();
    expect([first, second]).not.toEqual(healthy.slice(0, 2));
    const done = await replayed('balance', `mode: REBUILD, filter: { subject: "${accounts[0]}" }`);
    expect(done).toMatchObject({ status: 'COMPLETED', error: null, differences: 1 });
    expect(await state()).toEqual([healthy[0], second, ...healthy.slice(2)]);
    const reconciled = await over(
      await olga.get(`mutation { reconcile(input: { service: "balance", everyHours: 24 }) { id } }`),
    );
    expect(reconciled).toMatchObject({ status: 'COMPLETED', differences: 1, differingSubjects: [accounts[1]] });
    expect(await state()).toEqual(healthy);
    // What served goes on serving: only its wrong rows were replaced.
    expect(await generations('balance')).toMatchObject({ active });
    expect(await olga.get('{ schedules { service everyHours requestedBy } }')).toEqual({
      schedules: [{ service: 'balance', everyHours: 24, requestedBy: 'olga' }],
    });
    await over(await olga.get(`mutation { reconcile(input: { service: "balance", everyHours: 0 }) { id } }`));
    expect(await olga.get('{ schedules { service } }')).toEqual({ schedules: [] });
  });

  it.each([
    'mode: RECONCILE',
    'mode: REBUILD, filter: { subject: $ }',
  ])('finds what is lost of events that nothing shows: %s', async how => {
    const healthy = await state();
    const store = await served('reporting', 'store');
    const stored = () => store.countDocuments({ account: accounts[1] });
    const before = await stored();
    const [newest] = await store.find({ account: accounts[1] }).sort({ version: -1 }).limit(1).toArray();
    await store.deleteOne({ _id: newest?._id });
    expect(await state()).toEqual(healthy);
    const done = await replayed('reporting', how.replace('$', JSON.stringify(accounts[1])));
    expect(done).toMatchObject({ status: 'COMPLETED', differences: 1, differingSubjects: [accounts[1]] });
    expect(await stored()).toBe(before);
    expect(await replayed('reporting', 'mode: RECONCILE')).toMatchObject({ differences: 0 });
    await alice.get(DEPOSIT, { input: { accountId: accounts[1], amount: 1 } });
    const deposits = async () => (await state())[1]?.account.ever[0]?.deposits;
    await eventually(deposits, count => count === (healthy[1]?.account.ever[0]?.deposits ?? 0) + 1);
  });

  it('is not needed for rows that are lost or wrong and still have their place: a repair puts them back', async () => {
    const healthy = await state();
    const ledger = await served('balance', 'events');
    await ledger.updateOne({ chain: accounts[0], version: 6 }, { $set: { 'event.data.balanceMinor': WRONG_MINOR } });
    await ledger.deleteOne({ chain: accounts[1], version: 6 });
    expect(await replayed('balance')).toMatchObject({ status: 'COMPLETED', differences: 2 });
    const account = database('account');
    await account.collection('events').deleteOne({ account: accounts[2] });
    expect(await replayed('account')).toMatchObject({ status: 'COMPLETED', differences: 1 });
    expect(await state()).toEqual(healthy);
    for (const service of ['account', 'balance', 'reporting'])
      expect(await replayed(service)).toMatchObject({ status: 'COMPLETED', differences: 0 });
  });

  it('that was a mistake is rolled back, with what has happened since', async () => {
    const damaged = { deposits: 1_000 };
    // What is gone back to had lost rows itself: what comes from the lake is not counted on top of totals that contain it.
    const before = await served('reporting', 'store');
    await before.deleteMany({ account: accounts[0], version: { $in: [3, 4, 5] } });
    await replayed('reporting', 'mode: REBUILD');
    const { active } = await generations('reporting');
    const current = await served('reporting', 'statistics');
    await current.updateMany({}, { $set: damaged });
    await alice.get(DEPOSIT, { input: { accountId: accounts[0], amount: 1 } });
    await eventually(balances, ([first]) => first?.version === 14);
    const done = await replayed('reporting', 'mode: ROLLBACK');
    expect(done).toMatchObject({ status: 'COMPLETED', error: null });
    expect(await generations('reporting')).toMatchObject({ previous: active });
    // The deposit may come to reporting later than to the balance.
    const [shown] = await eventually(
      async () => (await state()).map(({ account }) => account.ever[0]),
      ([first]) => first?.deposits === 13,
    );
    expect(shown).toMatchObject({ deposits: 13, withdrawals: 1 });
  });

  it('that is cancelled leaves nothing behind, and the next one begins anew', async () => {
    const { replay } = await olga.get<{ replay: { id: string } }>(
      'mutation { replay(input: { service: "account", mode: REBUILD, ratePerSecond: 10 }) { id } }',
    );
    await eventually(
      () => generations('account'),
      ({ building }) => building !== null,
    );
    await olga.get(`mutation { cancelReplay(id: "${replay.id}") { status } }`);
    await eventually(
      () => generations('account'),
      ({ building, rebuild }) => building === null && rebuild === null,
    );
    const names = async () => (await database('account').listCollections().toArray()).map(({ name }) => name);
    await eventually(names, all => all.filter(name => name.startsWith('accounts')).length <= 2);
    expect(await replayed('account', 'mode: REBUILD')).toMatchObject({ status: 'COMPLETED', differences: 0 });
  });

  it('with nothing to go back to, or of a part of the story, is refused or fails with the reason', async () => {
    const part = await olga.ask(
      'mutation { replay(input: { service: "balance", mode: REBUILD, filter: { correlationId: "x" } }) { id } }',
    );
    expect(part.errors?.[0]).toMatchObject({
      message: expect.stringContaining('filter.correlationId'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });
});

const generations = async (service: string) => {
  const found = await database(service).collection('generations').findOne();
  return found as unknown as {
    active: number;
    previous: number | null;
    building: number | null;
    rebuild: string | null;
  };
};
