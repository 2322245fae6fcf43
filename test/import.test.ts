/** A system, exported and imported into an empty one: everything that a client and an operator can see is the same. */
import { once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runningServers } from '../embedded/index.ts';
import { chunk } from '../events/group.ts';
import { signToken } from '../gateway/identity.ts';
import { BLOCK, type Summary } from '../subgraphs/lake/summaries.ts';
import { accountsOf, emittedTypes, operatorClient, settled } from './evidence.ts';
import { auditAccount } from './invariants.ts';
import {
  AUTH_SECRET,
  type Client,
  clientOf,
  DEPOSIT,
  eventually,
  launch,
  openAccount,
  type System,
  startSystem,
  stopAll,
  storesOf,
  temporaryFolder,
  WITHDRAW,
} from './system.ts';

const DEPOSITS = 30;
const RACERS = 12;
const ROUNDS_MAX = 50;
const OPENED_AT_ONCE = 20;
const KEY = 'the-same-for-ever';

const folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()] as const;
const [source, target, files] = folders;
const packed = join(files.path, 'events.ndjson.gz');

type Seen = { lake: Lake; owners: { accounts: { nodes: Shown[] } }[] };
type Lake = { verifyLake: { valid: boolean; events: number; head: string }; events: { nodes: object[] } };
type Shown = { id: string; balance: { amount: number; version: number }; ledger: { nodes: object[] } };

let before: Seen;
let exported: Buffer;
let copy: System;

beforeAll(async () => {
  const system = await startSystem(source.path);
  await use(system.url);
  before = await seen(system.url);
  await exportTo(packed, system.url);
  exported = gunzipSync(readFileSync(packed));
  system.kill('SIGTERM');
  await system.exited;
});

afterAll(async () => {
  await stopAll();
  for (const folder of folders) folder.remove();
});

/** Deposits, withdrawals and an overdraft of two owners; and an account that nothing happens on. */
async function use(url: string): Promise<void> {
  const [alice, bob] = await Promise.all([clientOf(url, 'alice'), clientOf(url, 'bob')]);
  const [hers, his] = await Promise.all([openAccount(alice), openAccount(bob), openAccount(bob, 'Idle')]);
  const input = { accountId: hers, memo: 'salary, 1 €' };
  await Promise.all(
    Array.from({ length: DEPOSITS }, (_, index) => alice.get(DEPOSIT, { input: { ...input, amount: index + 1 } })),
  );
  await alice.get(DEPOSIT, { input: { ...input, amount: 7, idempotencyKey: KEY } });
  await alice.get(WITHDRAW, { input: { accountId: hers, amount: 3 } });
  await overdraw(bob, his);
  // As many as make a block that the lake keeps a summary of, and a few.
  const carol = await clientOf(url, 'carol');
  for (const some of chunk(Array.from({ length: BLOCK }), OPENED_AT_ONCE))
    await Promise.all(some.map(() => openAccount(carol)));
}

/** Takes all of it out several times at once, until two were decided before either was stored. */
async function overdraw(client: Client, accountId: string): Promise<void> {
  const input = { accountId, amount: 100 };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await client.get(DEPOSIT, { input });
    const answers = await Promise.all(Array.from({ length: RACERS }, () => client.ask(WITHDRAW, { input })));
    if (answers.filter(({ errors }) => !errors).length > 1) return;
  }
  throw new Error('every race had one winner');
}

const STATISTICS = 'from deposits withdrawals deposited withdrawn largest accounts currency';
const ACCOUNTS = `{ accounts(first: 5) { nodes {
  id ownerId name currency openedAt balance { amount version asOf }
  transactions(first: 100) { nodes { id type amount memo time status } }
  ledger(first: 100) { nodes { version amount balance time eventId eventType } }
  balanceAt(version: 1) { amount version asOf }
  statistics(interval: HOUR) { ${STATISTICS} } } } }`;
// Not `storedAt`: that is when this lake stored it.
const LAKE = `{
  verifyLake { valid events head firstBadPosition }
  events(first: 100) { nodes { id type source subject time data correlationId causationId position hash } totalCount }
  statistics(interval: HOUR) { ${STATISTICS} }
  faults { nodes { id } }
  services { name consumes emits lagEvents faults } }`;

/** Everything that is shown of a system that has come to rest. */
async function seen(url: string): Promise<Seen> {
  const operator = await operatorClient(url, AUTH_SECRET);
  expect(await settled(operator, 60_000)).toMatchObject({ waiting: [] });
  const owners = await Promise.all(
    ['alice', 'bob'].map(async owner => (await clientOf(url, owner)).get<Seen['owners'][number]>(ACCOUNTS)),
  );
  return { lake: await operator.get<Lake>(LAKE), owners };
}

/** As `curl` would; unpacked by nobody. */
async function exportTo(file: string, url: string, query = ''): Promise<void> {
  const token = await signToken(AUTH_SECRET, { sub: 'olga', roles: ['operator'], expiresIn: '1h' });
  const headers = { authorization: `Bearer ${token}`, 'accept-encoding': file.endsWith('.gz') ? 'gzip' : 'identity' };
  const asking = request(`${url}/lake/events.ndjson${query}`, { headers, agent: false }).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  await pipeline(response, createWriteStream(file));
}

const importing = (file: string) => launch('import.ts', [file], storesOf(target.path), /Imported/);

describe('an import refuses, and leaves nothing behind,', () => {
  const lines = () => exported.toString().trimEnd().split('\n');
  const write = (name: string, content: string[]) => {
    const file = join(files.path, name);
    writeFileSync(file, `${content.join('\n')}\n`);
    return file;
  };

  it.each<[string, () => string, string]>([
    ['a part of a lake', () => write('part.ndjson', lines().slice(5)), 'Line 1: position 6 where 1 belongs.'],
    ['a line that was cut', () => write('cut.ndjson', lines().with(9, '{"specver')), 'Line 10: no JSON.'],
    [
      'an event that was changed',
      () => write('changed.ndjson', lines().with(9, (lines()[9] ?? '').replace('alice', 'mallory').replace('a', 'b'))),
      'Position 10: the event is not the one that its lakehash was made of.',
    ],
    ['a file that is missing', () => join(files.path, 'missing.ndjson'), 'ENOENT: no such file'],
  ])('%s', async (_, file, message) => {
    await expect(importing(file())).rejects.toThrow(message);
  });
});

describe('a system that was imported', () => {
  it('has every event in its place', async () => {
    const { verifyLake } = before.lake;
    const imported = await importing(packed);
    expect(await imported.exited).toBe(0);
    expect(imported.output()).toContain(`Imported ${verifyLake.events} events`);
    expect(imported.output()).toContain(verifyLake.head);
  });

  it('is not imported into again', async () => {
    await expect(importing(packed)).rejects.toThrow('The system is not empty: an export has been imported into it.');
  });

  it('gives its services their data when it starts', async () => {
    copy = await startSystem(target.path);
    const olga = await clientOf(copy.url, 'olga', ['operator']);
    type Replay = { service: string; mode: string; status: string; requestedBy: string };
    const { replays } = await eventually(
      () => olga.get<{ replays: { nodes: Replay[] } }>('{ replays { nodes { service mode status requestedBy } } }'),
      ({ replays }) => replays.nodes.every(({ status }) => status === 'COMPLETED'),
    );
    expect(replays.nodes.map(({ service }) => service).sort()).toEqual(['account', 'balance', 'reporting', 'transfer']);
    expect(new Set(replays.nodes.map(({ mode, requestedBy }) => `${mode} ${requestedBy}`))).toEqual(
      new Set(['REPAIR import']),
    );
  });

  it('finds a time as fast as the system did: its lake is summed up before anything else happens', async () => {
    const { mongodbUrl = '' } = await runningServers(target.path);
    const mongo = new MongoClient(mongodbUrl);
    const summaries = mongo.db('tributary-lake').collection<Summary>('summaries');
    const count = await summaries.countDocuments().finally(() => mongo.close());
    expect(count).toBe(Math.floor(before.lake.verifyLake.events / BLOCK));
    expect(count).toBeGreaterThan(0);
  });

  it('shows the same to an operator and to each owner', async () => {
    const after = await seen(copy.url);
    expect(after.lake).toEqual(before.lake);
    expect(after.owners).toEqual(before.owners);
    const accounts = after.owners.flatMap(owner => owner.accounts.nodes);
    expect(accounts).toHaveLength(3);
    expect(accounts.some(({ balance }) => balance.amount < 0)).toBe(true);
  });

  it('exports the same, to the byte', async () => {
    const file = join(files.path, 'again.ndjson');
    await exportTo(file, copy.url);
    expect(readFileSync(file).equals(exported)).toBe(true);
  });

  it('goes on: what was done is known, and what is done is added', async () => {
    const alice = await clientOf(copy.url, 'alice');
    const [account] = before.owners[0]?.accounts.nodes ?? [];
    const { id = '', balance } = account ?? {};
    const input = { accountId: id, amount: 7, memo: 'salary, 1 €', idempotencyKey: KEY };
    type Deposited = { deposit: { transaction: { id: string; status: string } } };
    const again = await alice.get<Deposited>(DEPOSIT, { input });
    expect(again.deposit.transaction.status).toBe('SETTLED');
    const other = await alice.ask<Deposited>(DEPOSIT, { input: { ...input, amount: 8 } });
    expect(other.errors?.[0]?.extensions.code).toBe('IDEMPOTENCY_KEY_REUSED');
    const { deposit } = await alice.get<Deposited>(DEPOSIT, { input: { accountId: id, amount: 5 } });
    const look = await alice.get<{ account: Shown }>(
      'query ($id: ID!, $after: ID) { account(id: $id) { balance(after: $after) { amount version } } }',
      { id, after: deposit.transaction.id },
    );
    expect(look.account.balance).toEqual({ amount: (balance?.amount ?? 0) + 5, version: (balance?.version ?? 0) + 1 });
    const operator = await operatorClient(copy.url, AUTH_SECRET);
    await settled(operator, 60_000);
    const types = await emittedTypes(operator);
    for await (const evidence of accountsOf(operator, { inFlight: 2 })) {
      expect(auditAccount(evidence, types)).toEqual([]);
    }
  });

  it('is not empty any more, and not stopped', async () => {
    await expect(importing(packed)).rejects.toThrow(/in use by a Tributary that is running|The system is not empty/);
  });
});
