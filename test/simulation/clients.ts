/** Whoever uses the simulated system: owners with requests and watches, strangers, and operators. */
import { GraphQLError } from 'graphql';
import { isUnavailable } from '../../events/errors.ts';
import type { Identity } from '../../schema/identity.ts';
import type { Operation, Sight, Watch } from '../invariants.ts';
import type { Scenario } from './scenario.ts';
import type { System } from './system.ts';
import type { SimProcess, World } from './world.ts';

/** What came of a request. */
type Told<Value> = { value: Value } | { code: string } | 'unknown';

type Resolve<Result> = (parent: unknown, args: object, context: { identity: Identity }) => Promise<Result>;
type Balance = { balanceChanged: { known?: { version: number } } };

const ANSWER_WITHIN_MS = 15_000;
const TRIES_MAX = 8;
const WATCHERS_EACH = 3;
/** Less than a system stays at rest before it is looked at. */
const WATCHER_PAUSE_MAX_MS = 1_200;

const identityOf = (ownerId: string): Identity => ({ ownerId, operator: false });
const OPERATOR: Identity = { ownerId: 'olga', operator: true };

type Living = Pick<Scenario, 'accounts' | 'clients' | 'operationsEach' | 'thinkMaxMs' | 'transfers'>;

export type Clients = ReturnType<typeof createClients>;

export function createClients(world: World, system: System) {
  const history: Operation[] = [];
  const watches: (Watch & { versions: number[] })[] = [];
  const sights: Sight[] = [];
  let busy = 0;

  /** A resolver of a service in some running process. */
  function resolver<Result>(service: string, type: string, field: string) {
    const slot = system.running(service);
    // As GraphQL calls them: a subscription's field is an object with `subscribe`.
    const resolvers = slot?.services.get(service)?.resolvers as
      | Record<string, Record<string, Resolve<Result> | { subscribe: Resolve<Result> }>>
      | undefined;
    const found = resolvers?.[type]?.[field];
    if (!slot || !found) return undefined;
    return { process: slot.process, resolve: 'subscribe' in found ? found.subscribe : found };
  }

  const sleep = (ms: number) => new Promise<void>(resolve => void world.timer(ms, resolve));

  /** Sends something to a process. It may die, or the answer get lost; after a while nobody waits any more. */
  function send<Value>(process: SimProcess, act: () => Promise<Value>): Promise<Told<Value>> {
    return new Promise(resolve => {
      const settle = (told: Told<Value>) => {
        process.onDeath.delete(die);
        giveUp();
        resolve(told);
      };
      const die = () => settle('unknown');
      const giveUp = world.timer(ANSWER_WITHIN_MS, die);
      process.onDeath.add(die);
      const answer = (told: Told<Value>) => {
        const lost = world.random.chance(world.weather().errorAfter);
        world.schedule(world.random.real() * world.weather().latencyMaxMs, process, () =>
          settle(lost ? 'unknown' : told),
        );
      };
      world.schedule(world.random.real() * world.weather().latencyMaxMs, process, () => {
        (async () => act())().then(
          value => answer({ value }),
          error => answer(refusal(error)),
        );
      });
    });
  }

  /** Deliberate refusals have a code; a store out of reach says nothing of the outcome; anything else is a mistake. */
  function refusal(error: unknown): { code: string } {
    if (error instanceof GraphQLError) return { code: String(error.extensions.code) };
    if (!isUnavailable(error)) world.fail(`a client was answered ${error instanceof Error ? error.stack : error}`);
    return { code: 'UNAVAILABLE' };
  }

  async function request(asked: Omit<Operation, 'outcome' | 'eventId' | 'code'>): Promise<Operation> {
    const since = history.length;
    const { kind, owner } = asked;
    const service = kind === 'transfer' ? 'transfer' : 'account';
    const found = resolver<Payload>(service, 'Mutation', FIELDS[kind]);
    const input = inputOf(asked);
    const told = found
      ? await send(found.process, () => found.resolve(undefined, { input }, { identity: identityOf(owner) }))
      : 'unknown';
    const operation: Operation = { ...asked, since, ...outcomeOf(told) };
    world.note(`client ${kind} ${asked.key} ${operation.outcome} ${operation.code ?? operation.eventId ?? ''}`);
    history.push(operation);
    return operation;
  }

  /** Asks until it is told something, or leaves it at that. */
  async function insist(asked: Omit<Operation, 'outcome'>, always: boolean): Promise<Operation> {
    for (let tries = 1; ; tries++) {
      const told = await request(asked);
      if (told.outcome !== 'unknown' || (!always && (tries === TRIES_MAX || world.random.chance(0.15)))) return told;
      await sleep(world.random.real() * 1_500);
    }
  }

  /** What an account is worth, as far as its owner has been told. */
  function worth(account: string): number {
    const ok = new Map(
      history.filter(told => told.account === account && told.outcome === 'ok').map(told => [told.key, told]),
    );
    return [...ok.values()].reduce(
      (sum, { kind, amountMinor }) => sum + (kind === 'withdraw' ? -amountMinor : amountMinor),
      0,
    );
  }

  async function work(
    client: number,
    accounts: readonly { id: string; owner: string }[],
    { operationsEach: operations, thinkMaxMs, transfers }: Living,
  ) {
    for (let turn = 1; turn <= operations; turn++) {
      const { id: account, owner } = world.random.pick(accounts);
      const kind = world.random.chance(0.65) ? 'deposit' : 'withdraw';
      const asked = { kind, owner, key: `c${client}-${turn}`, account, amountMinor: world.random.int(1, 100) } as const;
      if (world.random.chance(0.1)) await Promise.all([insist(asked, false), insist(asked, false)]);
      else await insist(asked, false);
      // What comes last is left standing with watchers, so it comes at once more often.
      if (world.random.chance(turn === operations ? 0.5 : 0.1)) {
        const burst = Array.from({ length: 4 }, (_, at) => ({
          ...asked,
          kind: 'deposit' as const,
          key: `${asked.key}-${at}`,
        }));
        await Promise.all(burst.map(one => insist(one, false)));
      }
      if (world.random.chance(0.1)) {
        const all = Array.from({ length: 3 }, (_, at) => ({
          ...asked,
          kind: 'withdraw' as const,
          key: `${asked.key}-all-${at}`,
          amountMinor: Math.max(1, worth(account)),
        }));
        await Promise.all(all.map(one => insist(one, false)));
      }
      if (transfers) await move(`${asked.key}-move`, account, owner, accounts);
      // Another owner has the same key, or the same owner for another account.
      const other = world.random.pick(accounts);
      if (world.random.chance(0.15)) await request({ ...asked, account: other.id, owner: other.owner });
      // The same once more; or something else under the same key.
      if (world.random.chance(0.15)) await request(asked);
      if (world.random.chance(0.1)) await request({ ...asked, amountMinor: asked.amountMinor + 1 });
      await sleep(world.random.real() * thinkMaxMs);
    }
  }

  /** Moves an amount to another account, or to one that does not exist; sometimes all there is, several times at once. */
  async function move(
    key: string,
    account: string,
    owner: string,
    accounts: readonly { id: string; owner: string }[],
  ): Promise<void> {
    const others = accounts.filter(({ id }) => id !== account);
    const to = world.random.chance(0.15) ? 'nobody' : world.random.pick(others).id;
    const amountMinor = world.random.chance(0.2) ? Math.max(1, worth(account)) : world.random.int(1, 60);
    const asked = { kind: 'transfer', owner, key, account, to, amountMinor } as const;
    const times = world.random.chance(0.2) ? 3 : 1;
    await Promise.all(Array.from({ length: times }, (_, at) => insist({ ...asked, key: `${key}-${at}` }, false)));
    if (world.random.chance(0.2)) await request({ ...asked, key: `${key}-0` });
    if (world.random.chance(0.1)) await request({ ...asked, key: `${key}-0`, amountMinor: amountMinor + 1 });
  }

  /** Watches an account's balance, on another process whenever one dies, until the end. */
  async function watch({ id, owner }: { id: string; owner: string }): Promise<void> {
    for (;;) {
      const found = resolver<AsyncIterableIterator<Balance>>('account', 'Subscription', 'balanceChanged');
      const record: Watch & { versions: number[] } = { account: id, versions: [], toTheEnd: false };
      const told = found
        ? await send(found.process, () => found.resolve(undefined, { accountId: id }, { identity: identityOf(owner) }))
        : 'unknown';
      if (!found || typeof told !== 'object' || !('value' in told)) {
        await sleep(100);
        continue;
      }
      watches.push(record);
      sights.push({ asker: owner, operator: false, account: id, owner });
      // Some take their time with all that they are sent.
      await follow(found.process, told.value, record, world.random.chance(0.5) ? WATCHER_PAUSE_MAX_MS : 0);
      await sleep(50);
    }
  }

  async function follow(
    process: SimProcess,
    stream: AsyncIterableIterator<Balance>,
    record: Watch & { versions: number[] },
    pauseMaxMs: number,
  ) {
    record.toTheEnd = true;
    const died = new Promise<'died'>(resolve => process.onDeath.add(() => resolve('died')));
    for (;;) {
      const next = await Promise.race([stream.next().catch(() => 'failed' as const), died]);
      if (typeof next === 'string' || next.done) {
        record.toTheEnd = false;
        return;
      }
      record.versions.push(next.value.balanceChanged.known?.version ?? -1);
      if (pauseMaxMs > 0) await sleep(world.random.real() * pauseMaxMs);
    }
  }

  return {
    history,
    watches,
    sights,
    isBusy: () => busy > 0,

    /** Everybody does what they do; `isBusy` until they have done it. */
    async live(options: Living): Promise<void> {
      busy += 1;
      const opened = await Promise.all(
        Array.from({ length: options.accounts }, async (_, index) => {
          const owner = index % 2 === 0 ? 'alice' : 'bob';
          const { eventId = '' } = await insist({ kind: 'open', owner, key: `open-${index}`, amountMinor: 0 }, true);
          return { id: eventId, owner };
        }),
      );
      for (const account of opened) for (let count = 0; count < WATCHERS_EACH; count++) void watch(account);
      await Promise.all([
        ...Array.from({ length: options.clients }, (_, client) => work(client, opened, options)),
        ...opened.map(account => trespass(account, 3)),
      ]);
      busy -= 1;
    },

    /** Asks for a replay into a service, until it is accepted. */
    async replay(service: string): Promise<void> {
      busy += 1;
      for (;;) {
        const found = resolver<{ id: string }>('lake', 'Mutation', 'replay');
        const told = found
          ? await send(found.process, () => found.resolve(undefined, { input: { service } }, { identity: OPERATOR }))
          : 'unknown';
        if (typeof told === 'object' && 'value' in told) break;
        await sleep(500);
      }
      busy -= 1;
    },
  };

  /** A stranger tries every way to an account, again and again. */
  async function trespass({ id, owner }: { id: string; owner: string }, times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      const [service, type, field, parent, args] = world.random.pick(waysTo(id, owner));
      const found = resolver<unknown>(service, type, field);
      if (!found) continue;
      const told = await send(found.process, () => found.resolve(parent, args, { identity: identityOf('mallory') }));
      const sees = typeof told === 'object' && 'value' in told && told.value !== null;
      if (sees) sights.push({ asker: 'mallory', operator: false, account: id, owner });
      await sleep(world.random.real() * 300);
    }
  }
}

/** Where an account can be reached: service, type, field, what it is resolved from, arguments. */
function waysTo(id: string, ownerId: string): [string, string, string, object | undefined, object][] {
  const reference = { __typename: 'Account', id, ownerId };
  const input = { accountId: id, amount: 1, memo: 'mine' };
  return [
    ['account', 'Query', 'account', undefined, { id }],
    ['account', 'Mutation', 'deposit', undefined, { input }],
    ['account', 'Mutation', 'withdraw', undefined, { input }],
    ['account', 'Subscription', 'balanceChanged', undefined, { accountId: id }],
    ['balance', 'Account', 'ledger', reference, {}],
    ['balance', 'Account', 'balanceAt', reference, {}],
    ['reporting', 'Account', 'statistics', reference, {}],
    ['lake', 'Query', 'events', undefined, {}],
  ];
}

const FIELDS = { open: 'openAccount', deposit: 'deposit', withdraw: 'withdraw', transfer: 'transfer' } as const;

function inputOf({ kind, key, account, to, amountMinor }: Omit<Operation, 'outcome'>): object {
  if (kind === 'open') return { name: key, currency: 'EUR', idempotencyKey: key };
  const asked = { amount: amountMinor, memo: key, idempotencyKey: key };
  if (kind !== 'transfer') return { accountId: account, ...asked };
  return { fromAccountId: account, toAccountId: to, expiresInSeconds: 1 + (amountMinor % 8), ...asked };
}

/** As the mutations hand them over, before the fields of their types are resolved. */
type Payload = { transaction?: { _id: string }; transfer?: { id: string }; account?: { id: string } };

function outcomeOf(told: Told<Payload>): Pick<Operation, 'outcome' | 'code' | 'eventId'> {
  if (told === 'unknown') return { outcome: 'unknown' };
  if ('code' in told) return { outcome: told.code === 'UNAVAILABLE' ? 'unknown' : 'refused', code: told.code };
  const eventId = told.value.transaction?._id ?? told.value.transfer?.id ?? told.value.account?.id;
  return { outcome: 'ok', ...(eventId !== undefined && { eventId }) };
}
