/** What an event costs does not depend on how many its account has had: counted, not timed. */
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Servers, startServers } from '../embedded/index.ts';
import { systemClock } from '../events/clock.ts';
import { createEvent } from '../events/contract.ts';
import { createOutbox } from '../events/outbox.ts';
import { deposited } from '../schema/events/deposited.ts';
import { createLedger, indexes, type LedgerRow } from '../subgraphs/balance/ledger.ts';
import { temporaryFolder } from './system.ts';
import { THOROUGH } from './thorough.ts';

const LONG = THOROUGH ? 100_000 : 20_000;
const SHORT = 10;
const BATCH = 1_000;
const MEASURED = 20;

const folder = temporaryFolder();
const log = pino({ level: 'silent' });
let servers: Servers;
let mongo: MongoClient;

beforeAll(async () => {
  servers = await startServers({
    dataDir: folder.path,
    mongodbUrl: process.env.MONGODB_URL,
    redisUrl: 'redis://unused',
    log,
  });
  mongo = await new MongoClient(servers.mongodbUrl, { monitorCommands: true, ignoreUndefined: true }).connect();
});

afterAll(async () => {
  await mongo?.db(`history-${process.pid}`).dropDatabase();
  await mongo?.close();
  await servers?.stop();
  folder.remove();
});

const depositOf = (account: string, number: number) =>
  createEvent(deposited, {
    id: `${account}-${number}`,
    source: '/account',
    subject: account,
    time: new Date(1_700_000_000_000 + number).toISOString(),
    data: { amountMinor: 1, currency: 'USD', channel: 'ACCOUNT' },
  });

/** A ledger as a process that has just started has it: nothing cached. */
function newLedger() {
  const rows = mongo.db(`history-${process.pid}`).collection<LedgerRow>('events');
  const outbox = createOutbox({ collection: rows as never, clock: systemClock, wake: () => undefined });
  return createLedger({ rows, outbox, clock: systemClock, log });
}

async function fill(account: string, count: number): Promise<void> {
  const ledger = newLedger();
  for (let done = 0; done < count; done += BATCH) {
    const size = Math.min(BATCH, count - done);
    await ledger.count(Array.from({ length: size }, (_, index) => depositOf(account, done + index)));
  }
}

/** The commands that some more deposits take, by name; first with nothing cached, one at a time. */
async function commandsFor(account: string, from: number): Promise<string[]> {
  const names: string[] = [];
  const note = ({ commandName }: { commandName: string }) => names.push(commandName);
  const ledger = newLedger();
  mongo.on('commandStarted', note);
  for (let number = from; number < from + MEASURED; number++) await ledger.count([depositOf(account, number)]);
  mongo.off('commandStarted', note);
  return names;
}

it(`a deposit costs the same in an account with ${SHORT} and with ${LONG} of them`, async () => {
  const { rows } = newLedger();
  await rows.createIndexes([...indexes.events]);
  await fill('short', SHORT);
  await fill('long', LONG);

  const short = await commandsFor('short', SHORT);
  const long = await commandsFor('long', LONG);
  expect(long).toEqual(short);
  // One look for the account's newest row, then one write a deposit.
  expect(long).toEqual(['find', ...Array.from({ length: MEASURED }, () => 'insert')]);

  for (const chain of ['short', 'long']) {
    const { executionStats } = await rows.find({ chain }).sort({ version: -1 }).limit(1).explain('executionStats');
    expect([chain, executionStats.totalKeysExamined, executionStats.totalDocsExamined]).toEqual([chain, 1, 1]);
  }
  expect((await newLedger().head('long'))?.event.data).toMatchObject({
    version: LONG + MEASURED,
    balanceMinor: LONG + MEASURED,
  });
});
