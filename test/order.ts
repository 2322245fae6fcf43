/**
 * Order and duplicates: whatever a service consumes, in any order, however often and in whatever batches, comes to the same
 * state. A service needs nothing but its definition to be tried: the history is made by the real services from what
 * owners do, and delivered to the service's own rules on a store in memory.
 */
import { EVERY_TYPE } from '../events/binding.ts';
import type { ServiceDefinition } from '../events/definition.ts';
import type { Event } from '../events/event.ts';
import { applyRules, type Rule, readThrough } from '../events/rule.ts';
import { service as mobile } from '../examples/mobile/index.ts';
import type { Identity } from '../schema/identity.ts';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import type { Resolvers } from '../subgraphs/host.ts';
import { open, prepare } from './alone.ts';
import type { Doc } from './simulation/documents.ts';
import { createStore, type Store } from './simulation/mongo.ts';

type Definition = ServiceDefinition<Resolvers>;

/** What owners do: each turn is some requests at once. */
export type Turn = {
  minutesLater: number;
  moves: readonly Move[];
  /** The services hear of it a minute later, each of what it has emitted itself first. */
  late?: true;
};

/** A deposit, by phone or not, a withdrawal when the amount is negative; or a transfer: to another account, or to none there is. */
export type Move = { account: number; amountMinor: number; to?: 'other' | 'nobody' | 'own, by phone' };

/** What there is to consume, and what each service had stored of its own when it happened. */
export type History = { events: readonly Event[]; outboxes: ReadonlyMap<string, readonly Doc[]> };

/** One way to deliver: which events in which batches, and which of these as a replay. */
export type Delivery = readonly { events: readonly Event[]; replay: boolean; process: 0 | 1 }[];

const START_MS = Date.parse('2026-01-31T10:30:00.000Z');
const MINUTE_MS = 60_000;
const ACCOUNTS = 2;

/** Every service of the system, as its folder defines it, and the example of a second door. */
export const definitions: readonly Definition[] = [
  ...(await Promise.all(serviceNames().map(async name => (await loadService(name)).definition))),
  mobile,
];

function wants({ name, consumes, ofOthers = [] }: Definition, { type, source }: Event): boolean {
  if (source === `/${name}` && ofOthers.some(contract => contract.type === type)) return false;
  return consumes === 'everything' || consumes.some(contract => contract.type === type || contract.type === EVERY_TYPE);
}

/**
 * Lets owners do what they do, and every service consume what the others emit until nothing is left to consume.
 *
 * @throws when a service consumes a type that nothing in this history emits.
 */
export async function live(turns: readonly Turn[]): Promise<History> {
  const outboxes = new Map<string, Doc[]>(definitions.map(({ name }) => [name, []]));
  const emitted: Event[] = [];
  const store = createStore((collection, before, after) => {
    const [service = '', name] = collection.split('.');
    if (name !== 'events' || before || !after?.event) return;
    outboxes.get(service)?.push(after);
    emitted.push(after.event as Event);
  });
  let nowMs = START_MS;
  const clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
  const services = new Map<string, ReturnType<Definition['create']>>();
  for (const definition of definitions) {
    await prepare(definition, store);
    services.set(definition.name, open(definition, store, clock));
  }
  let consumed = 0;
  async function settle(): Promise<void> {
    while (consumed < emitted.length) {
      const news = emitted.slice(consumed);
      consumed = emitted.length;
      for (const definition of definitions) {
        await deliver(
          services.get(definition.name)?.rules ?? [],
          news.filter(event => wants(definition, event)),
          false,
        );
      }
    }
  }
  /** Each service hears of its own alone, and then of the time. */
  async function linger(): Promise<void> {
    const news = emitted.slice(consumed);
    for (const definition of definitions) {
      const own = news.filter(event => event.source === `/${definition.name}` && wants(definition, event));
      await deliver(services.get(definition.name)?.rules ?? [], own, false);
    }
    nowMs += 2 * MINUTE_MS;
    for (const { due } of services.values()) await due?.();
  }
  const ask = mutations(services.get('account')?.resolvers);
  const transfer = mutations(services.get('transfer')?.resolvers);
  const phone = mutations(services.get('mobile')?.resolvers);
  const accounts = await Promise.all(
    Array.from({ length: ACCOUNTS }, (_, index) => ask('openAccount', { name: `Account ${index}` })),
  );
  await settle();
  for (const { minutesLater, moves, late } of turns) {
    nowMs += minutesLater * MINUTE_MS;
    await Promise.all(
      moves.map(({ account, amountMinor, to }) => {
        const accountId = accounts[account % ACCOUNTS];
        const amount = Math.abs(amountMinor);
        if (to === 'own, by phone') return phone('mobileDeposit', { accountId, amount });
        if (to === undefined) return ask(amountMinor < 0 ? 'withdraw' : 'deposit', { accountId, amount });
        const toAccountId = to === 'nobody' ? 'nobody' : accounts[(account + 1) % ACCOUNTS];
        return transfer('transfer', { fromAccountId: accountId, toAccountId, amount });
      }),
    );
    if (late) await linger();
    await settle();
  }
  return { events: emitted, outboxes };
}

type Payload = { account?: { id: string } };
type Mutation = (parent: unknown, args: object, context: { identity: Identity }) => Promise<Payload>;

/** Asks for something, which may be refused. @returns the account's id. */
function mutations(resolvers: Resolvers | undefined) {
  const fields = resolvers?.Mutation as unknown as Record<string, Mutation> | undefined;
  const identity: Identity = { ownerId: 'alice', operator: false };
  return async (name: string, input: object): Promise<string> => {
    const answered = await fields?.[name]?.(undefined, { input }, { identity }).catch(() => undefined);
    return answered?.account?.id ?? '';
  };
}

async function deliver(rules: readonly Rule[], events: readonly Event[], replay: boolean): Promise<void> {
  const read = events.map(event => readThrough(rules, event));
  if (read.length > 0) await applyRules(rules, read, { replay });
}

/** The events of a history that a service consumes: what restores its state, and the rest. */
export function consumedBy(definition: Definition, { events }: History): { first: Event[]; rest: Event[] } {
  const restoring = new Set((definition.replayedFirst ?? []).map(({ type }) => type));
  const wanted = events.filter(event => wants(definition, event));
  return {
    first: wanted.filter(({ type }) => restoring.has(type)),
    rest: wanted.filter(({ type }) => !restoring.has(type)),
  };
}

/**
 * Delivers to a service that has nothing but its own outbox, and says what it has come to.
 *
 * @returns its data; see `stateOf`.
 */
export async function stateAfter(
  definition: Definition,
  history: History,
  deliveries: readonly Delivery[],
): Promise<State> {
  const store = createStore();
  const clock = { now: () => START_MS, monotonic: () => START_MS, sleep: async () => undefined };
  await prepare(definition, store);
  for (const row of history.outboxes.get(definition.name) ?? []) {
    // What it emits in answer to events it emits again.
    if (!wants(definition, row.event as Event)) store.of(`${definition.name}.events`).insert(row);
  }
  const processes = [open(definition, store, clock), open(definition, store, clock)] as const;
  for (const delivery of deliveries) {
    // Both processes at once, each one batch at a time.
    await Promise.all(
      ([0, 1] as const).map(async index => {
        for (const { events, replay, process } of delivery) {
          if (process === index) await deliver(processes[index].rules, events, replay);
        }
      }),
    );
  }
  return stateOf(definition, store);
}

/** Rows as text, by collection. */
export type State = Record<string, string[]>;

/**
 * A service's data, without what is only about relaying. Which place in a chain an event takes is for its arrival to
 * decide, unless the service restores its chains from snapshots: then each row must be what it was.
 */
export function stateOf(definition: Definition, store: Store): State {
  const exact = (definition.replayedFirst ?? []).length > 0;
  const names = store.names().filter(name => name.startsWith(`${definition.name}.`));
  const text = (row: Doc) =>
    JSON.stringify(exact || row.chain === undefined ? content(row) : { id: row._id, chain: row.chain });
  return Object.fromEntries(names.sort().map(name => [name, store.rows(name).map(text).sort()]));
}

/** How something was delivered, for people: a line a batch. */
export function describe(deliveries: readonly Delivery[]): string {
  const short = ({ type, id }: Event) => `${type} ${id.slice(0, 8)}`;
  return deliveries
    .flat()
    .map(
      ({ events, replay, process }) =>
        `  process ${process}${replay ? ', as a replay' : ''}: ${events.map(short).join(', ')}`,
    )
    .join('\n');
}

function content({ pending: _, relayed: _r, fence: _f, revision: _v, ...row }: Doc) {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
