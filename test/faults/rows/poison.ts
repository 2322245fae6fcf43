/** Events that cannot be handled, among others that can. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { systemClock } from '../../../events/clock.ts';
import { idOf } from '../../../events/fault.ts';
import { createOutbox, type OutboxEntry } from '../../../events/outbox.ts';
import { createTransport, type QueueTransport } from '../../../events/queue.ts';
import { serviceNames } from '../../../subgraphs/catalog.ts';
import { operatorClient } from '../../evidence.ts';
import { AUTH_SECRET, eventually } from '../../system.ts';
import { type Cluster, PREFIX } from '../cluster.ts';
import type { Account } from '../load.ts';
import type { Context, Row } from '../row.ts';

export const POISON_AMOUNT = 666_666;
const FAULT_WITHIN_MS = 240_000;
/** What was set aside stays so; what comes late would come within this. */
const LATE_MS = 3_000;

type Shown = {
  id: string;
  service: string;
  eventId: string;
  deliveries: number;
  error: string;
  resubmittedAt: string | null;
};

const FAULTS = '{ faults(first: 100) { nodes { id service eventId deliveries error resubmittedAt } } }';
const RESUBMIT = 'mutation ($ids: [ID!]!) { resubmit(faultIds: $ids) { id resubmittedAt } }';

/** Faults as operators see them. */
export async function faultsIn(cluster: Cluster): Promise<Shown[]> {
  const operator = await operatorClient(cluster.url, AUTH_SECRET);
  const { faults } = await operator.get<{ faults: { nodes: Shown[] } }>(FAULTS);
  return faults.nodes;
}

export async function resubmit(cluster: Cluster, ids: readonly string[]): Promise<void> {
  const operator = await operatorClient(cluster.url, AUTH_SECRET);
  await operator.get(RESUBMIT, { ids });
}

/** Waits until an event is among the faults of a service. */
export const setAside = async (cluster: Cluster, service: string, eventId: string): Promise<Shown> => {
  const found = await eventually(
    async () => (await faultsIn(cluster)).find(fault => fault.service === service && fault.eventId === eventId),
    fault => fault !== undefined,
    FAULT_WITHIN_MS,
  );
  if (!found) throw new Error(`${eventId} was not set aside by ${service}`);
  return found;
};

/** Sends into queues past every outbox. */
export async function withTransport<Value>(cluster: Cluster, work: (transport: QueueTransport) => Promise<Value>) {
  const log = pino({ level: 'silent' });
  const transport = createTransport({ redisUrl: cluster.redisUrl, prefix: PREFIX, onError: err => log.debug({ err }) });
  try {
    while (transport.redis.status !== 'ready') await delay(20);
    return await work(transport);
  } finally {
    await transport.close();
  }
}

/** What is no event, for every service. @returns its id. */
export async function sendMalformed(cluster: Cluster): Promise<string> {
  const original = { id: `malformed-${randomUUID()}`, type: 'Not A Type', data: 7 };
  await withTransport(cluster, transport =>
    transport.send(serviceNames().map(service => ({ service, partition: 0, source: 'nobody', events: [original] }))),
  );
  return idOf(original);
}

/** Puts an event straight into account's outbox, as a version of it with a mistake would. @returns its id. */
async function emit(cluster: Cluster, type: string, data: unknown, subject: string): Promise<string> {
  const id = randomUUID();
  const collection = cluster.database('account').collection<OutboxEntry>('events');
  const { entry } = createOutbox({
    collection: cluster.database('account').collection('events'),
    clock: systemClock,
    wake: () => undefined,
  });
  const time = new Date().toISOString();
  const dataschema = `urn:tributary:event:${type}:1`;
  await collection.insertOne(
    entry({ specversion: '1.0', id, source: '/account', type, subject, time, dataschema, data }),
  );
  return id;
}

function firstOf(accounts: readonly Account[]): Account {
  const [account] = accounts;
  if (!account) throw new Error('there is no account');
  return account;
}

/** Deposits the amount that the code cannot handle. @returns the event's id. */
export async function depositPoison({ bank, poison }: Pick<Context, 'bank' | 'poison'>): Promise<string> {
  const key = `poison ${randomUUID()}`;
  for (;;) {
    const { eventId } = await bank.transact(firstOf(bank.accounts), 'deposit', POISON_AMOUNT, key);
    if (eventId) {
      poison(eventId);
      return eventId;
    }
    await delay(200);
  }
}

/** With the mistake gone: sends it again, two times, and sees that it is applied. */
export async function mend(context: Context, service: string, fault: Shown): Promise<void> {
  const { cluster, violated } = context;
  await cluster.first(service).become({});
  await resubmit(cluster, [fault.id]);
  await resubmit(cluster, [fault.id]);
  await delay(LATE_MS);
  const now = (await faultsIn(cluster)).filter(({ eventId }) => eventId === fault.eventId);
  if (now.length !== 1) violated(`${fault.eventId} is in ${now.length} faults`);
  if (now[0]?.resubmittedAt === null) violated('the fault is still open');
}

function handlerRow(name: string, what: string, how: 'throw' | 'crash'): Row {
  let fault: Shown;
  return {
    name,
    what,
    arrangement: {
      extras: { balance: { preload: ['poison'], env: { POISON: how, POISON_AMOUNT: String(POISON_AMOUNT) } } },
    },
    async fault(context) {
      const { cluster, note, violated, say } = context;
      const before = cluster.first('balance').starts();
      const eventId = await depositPoison(context);
      const startedMs = performance.now();
      say('waiting for the fault');
      fault = await setAside(cluster, 'balance', eventId);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      note(`set aside after ${fault.deliveries} deliveries in ${seconds} s`);
      if (fault.deliveries !== 3) violated(`set aside after ${fault.deliveries} deliveries, not 3`);
      const died = cluster.first('balance').starts() - before;
      if (how === 'crash') note(`the process died ${died} times`);
      await cluster.ready();
    },
    async repair(context) {
      context.say('the mistake is mended, the event sent again');
      await mend(context, 'balance', fault);
    },
  };
}

export const poisonRows: readonly Row[] = [
  {
    name: 'poison-malformed',
    what: 'what is no event is put into the queue of every service',
    async fault({ cluster, poison, violated, note }) {
      const id = await sendMalformed(cluster);
      poison(id);
      for (const service of serviceNames()) await setAside(cluster, service, id);
      const faults = (await faultsIn(cluster)).filter(({ eventId }) => eventId === id);
      note(`${faults.length} faults, one of each service`);
      if (faults.some(({ deliveries }) => deliveries !== 1)) violated('it was delivered again');
      // It is no better the second time: that is a fault of its own, once.
      await resubmit(cluster, [faults[0]?.id ?? '']);
      await resubmit(cluster, [faults[0]?.id ?? '']);
      const again = await eventually(
        async () => (await faultsIn(cluster)).filter(({ eventId }) => eventId === id).length,
        count => count > faults.length,
      );
      if (again !== faults.length + 1) violated(`${again} faults after it was sent again`);
    },
  },
  {
    name: 'poison-contract',
    what: 'an event in the outbox breaks its contract',
    async fault({ cluster, bank, poison, note }) {
      const { id: account } = firstOf(bank.accounts);
      const id = await emit(cluster, 'deposited', { amountMinor: 'much', currency: 'USD' }, account);
      poison(id);
      for (const service of ['balance', 'reporting']) await setAside(cluster, service, id);
      note('balance and reporting set it aside, the lake keeps it');
    },
  },
  {
    name: 'poison-unknown',
    what: 'an event in the outbox has a type that nobody knows',
    async fault({ cluster, bank, poison, type, violated, note }) {
      const { id: account } = firstOf(bank.accounts);
      const id = await emit(cluster, 'something-new', { any: 'thing' }, account);
      poison(id);
      type('something-new');
      const lake = cluster.database('lake').collection<{ _id: string }>('lake');
      const stored = await eventually(
        () => lake.countDocuments({ _id: id }),
        count => count === 1,
      );
      await delay(LATE_MS);
      const faults = (await faultsIn(cluster)).filter(({ eventId }) => eventId === id);
      if (stored !== 1 || faults.length > 0) violated(`${stored} in the lake, ${faults.length} faults`);
      const reporting = await cluster
        .database('reporting')
        .collection<{ _id: string }>('store')
        .countDocuments({ _id: id });
      if (reporting > 0) violated('reporting has it');
      note('it is in the lake alone');
    },
  },
  handlerRow('poison-throw', 'the code of balance throws for one deposit', 'throw'),
  handlerRow('poison-crash', 'the code of balance takes the process down for one deposit', 'crash'),
];
