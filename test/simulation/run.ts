/** One seed, from the first account to the last invariant. */
import { GENESIS, hashAfter } from '../../subgraphs/lake/hash.ts';
import {
  accountsOnce,
  acknowledgedOnce,
  auditAccount,
  auditSystem,
  ownDataOnly,
  refusedNever,
  sameKeySameEvent,
  transferKeepsMoney,
  transferredMinor,
  transfersAddUp,
  unchanged,
  watchesRise,
} from '../invariants.ts';
import { createClients } from './clients.ts';
import { auditStore } from './deep.ts';
import { accountsOf, systemOf, transfersOf, unrest } from './evidence.ts';
import { createStore, type Store } from './mongo.ts';
import { createRandom } from './random.ts';
import { createRedis, type SimRedis } from './redis.ts';
import { createSafety } from './safety.ts';
import { ALL_SERVICES, LATE, type Scenario, scenarioOf } from './scenario.ts';
import { createSystem, type System, takeOverTime } from './system.ts';
import { disturb, heal, lieInWait, rememberAlways } from './troubles.ts';
import { createWorld, type World } from './world.ts';

export type Outcome = {
  seed: number;
  /** What is wrong; nothing when the seed is clean. */
  violations: string[];
  /** The same for the same seed and the same code. */
  traceHash: string;
  /** How much happened: I/O, answers, timers. */
  steps: number;
  simulatedMs: number;
  scenario: Scenario;
};

const LIVE_WITHIN_MS = 120_000;
const REST_WITHIN_MS = 90_000;
/** How long it must stay at rest. */
const STAY_MS = 1_500;
/** A dead relay's lease has run out, and the next one has looked for losses. */
const TENURE_MS = 6_000;

/** Runs a seed. Only one can run in a process at a time: time itself is taken over meanwhile. */
export async function simulate(seed: number, trace?: (line: string) => void): Promise<Outcome> {
  const random = createRandom(seed);
  const scenario = scenarioOf(random, seed);
  const world = createWorld(random, trace ? { trace } : {});
  const giveBackTime = takeOverTime(world);
  try {
    const violations = await play(world, scenario).catch(error => [`the simulation broke: ${error?.stack ?? error}`]);
    return {
      seed,
      violations: [...(world.failure() ? [`${world.failure()}`] : []), ...violations],
      traceHash: world.hash(),
      steps: world.steps(),
      simulatedMs: world.nowMs(),
      scenario,
    };
  } finally {
    giveBackTime();
  }
}

async function play(world: World, scenario: Scenario): Promise<string[]> {
  const safety = createSafety(world, () => store);
  const store: Store = createStore(safety.watch);
  const redis = createRedis(world);
  const system = createSystem(world, store, redis, scenario);
  const clients = createClients(world, system);
  const atRest = () => !clients.isBusy() && redis.isIdle() && unrest(store).length === 0;

  system.start();
  world.setWeather(scenario.weather);
  redis.setDelivery(scenario.delivery);
  const losses = [...scenario.disturbances, ...scenario.chains.flat()];
  if (losses.some(({ what }) => what === 'lose tail')) rememberAlways(world, redis);
  for (const disturbance of scenario.disturbances) {
    world.schedule(disturbance.atMs, undefined, () => disturb(world, system, redis, clients, disturbance));
  }

  if (scenario.lateMs !== null) world.schedule(scenario.lateMs, undefined, () => system.add([LATE]));
  for (const chain of scenario.chains) lieInWait(world, redis, chain);
  void clients.live(scenario);
  const lastMs = Math.max(0, ...scenario.disturbances.map(({ atMs }) => atMs));
  await world.run(() => !clients.isBusy() && world.nowMs() > lastMs, LIVE_WITHIN_MS);
  world.note('all is well from here on');
  heal(world, system, redis);
  if (!(await comesToRest(world, atRest))) return reasons(world, store, redis, clients);
  // What Redis has lost may be noticed by the next tenure only, and the queue and a ledger are not lost at once.
  await world.run(() => false, TENURE_MS);
  if (!(await comesToRest(world, atRest))) return reasons(world, store, redis, clients);
  const found = [...audit(store, clients), ...sentAgain(store, scenario)];
  if (found.length > 0 || scenario.ending === 'none') return found;

  const [before, moved] = [accountsOf(store), transfersOf(store)];
  for (const trouble of scenario.troubles) {
    world.schedule(trouble.atMs, undefined, () => disturb(world, system, redis, clients, trouble));
  }
  world.setWeather(scenario.weather);
  redis.setDelivery(scenario.delivery);
  for (const chain of scenario.endingChains) lieInWait(world, redis, chain);
  await end(world, scenario, { store, system, clients, safety });
  await world.run(() => false, Math.max(0, ...scenario.troubles.map(({ atMs }) => atMs)));
  heal(world, system, redis);
  if (!(await comesToRest(world, atRest))) return reasons(world, store, redis, clients);
  const otherwise =
    JSON.stringify(transfersOf(store)) === JSON.stringify(moved) ? [] : ['transfers are not what they were'];
  return [...unchanged(before, accountsOf(store)), ...otherwise, ...audit(store, clients)];
}

/** At rest, and some time later still. */
async function comesToRest(world: World, atRest: () => boolean): Promise<boolean> {
  let looked = 0;
  let resting = false;
  // Looking at everything costs more than a step does.
  const seldom = () => {
    if (world.nowMs() - looked < 50) return resting;
    looked = world.nowMs();
    resting = atRest();
    return resting;
  };
  const endMs = world.nowMs() + REST_WITHIN_MS;
  while (world.nowMs() < endMs && world.failure() === undefined) {
    await world.run(seldom, endMs - world.nowMs());
    // A new tenure of a relay may yet find that something was lost.
    await world.run(() => false, STAY_MS);
    if (atRest()) return world.failure() === undefined;
  }
  return false;
}

function reasons(world: World, store: Store, redis: SimRedis, clients: { isBusy(): boolean }): string[] {
  if (world.failure()) return [];
  const left = [
    ...unrest(store).slice(0, 8),
    ...(redis.isIdle() ? [] : [`queues: ${JSON.stringify(redis.state().jobs).slice(0, 300)}`]),
    ...(clients.isBusy() ? ['clients still wait'] : []),
  ];
  return [`did not come to rest within ${REST_WITHIN_MS / 1000} s: ${left.join('; ')}`];
}

function audit(store: Store, { history, watches, sights }: ReturnType<typeof createClients>): string[] {
  const accounts = accountsOf(store);
  const lastVersion = new Map(accounts.map(({ id, ledger }) => [id, ledger.length]));
  return [
    ...accounts.flatMap(account => [
      ...auditAccount(account),
      ...acknowledgedOnce(account, history),
      ...refusedNever(account, history),
    ]),
    ...accountsOnce(accounts, history),
    ...sameKeySameEvent(history),
    ...watchesRise(watches, lastVersion),
    ...ownDataOnly(sights),
    ...auditSystem(systemOf(store, hashAfter, GENESIS), 0),
    ...auditStore(store),
    ...transfersOf(store).flatMap(transferKeepsMoney),
    ...transfersAddUp(accounts.reduce((sum, account) => sum + transferredMinor(account), 0n)),
    ...transfersOnce(store, history),
  ];
}

/** Every transfer that was acknowledged is there, as it was asked for; and no key is two. */
function transfersOnce(store: Store, history: ReturnType<typeof createClients>['history']): string[] {
  const byId = new Map(transfersOf(store).map(transfer => [transfer.id, transfer]));
  return history.flatMap(({ kind, outcome, eventId = '', key, account, amountMinor }) => {
    if (kind !== 'transfer' || outcome !== 'ok') return [];
    const found = byId.get(eventId);
    const right = found?.from === account && found?.amountMinor === amountMinor;
    return right ? [] : [`${key}: acknowledged as ${eventId}, stored is ${JSON.stringify(found)}`];
  });
}

/** Where no job was lost in silence, the lake lacks nothing that its watermark has passed. */
function sentAgain(store: Store, { disturbances }: Scenario): string[] {
  if (disturbances.some(({ what }) => what === 'lose job')) return [];
  const again = ALL_SERVICES.flatMap(service => store.rows(`${service}.events`)).filter(
    ({ resent }) => resent !== undefined,
  );
  return again.slice(0, 3).map(({ _id }) => `the lake lacked ${_id}, which its watermark had passed`);
}

/** What is done to the system at rest, and must not be seen afterwards. */
async function end(
  world: World,
  { ending, victim, transfers }: Scenario,
  {
    store,
    system,
    clients,
    safety,
  }: {
    store: Store;
    system: System;
    clients: ReturnType<typeof createClients>;
    safety: ReturnType<typeof createSafety>;
  },
): Promise<void> {
  if (ending === 'replay all') {
    const replayed = ['account', 'balance', 'reporting', ...(transfers ? ['transfer'] : [])];
    await Promise.all(replayed.map(service => startReplay(world, clients, service)));
    return;
  }
  world.note(`${ending}: ${victim}`);
  // What processes hold in memory may be of rows that are gone; a ledger's heads stay true, and may not be lost twice.
  const goesOn = ending === 'damage' && victim !== 'balance' && world.random.chance(0.5);
  if (!goesOn) system.killAll();
  safety.except(victim);
  const lost = (collection: string) => {
    const documents = store.of(collection);
    const rows = store.rows(collection);
    rows.forEach(({ _id }, index) => {
      if (ending === 'empty' || index === 0 || world.random.chance(0.5)) documents.remove({ _id });
    });
  };
  if (victim === 'account') {
    lost('account.accounts');
    store
      .of('account.events')
      .update({ settled: { $exists: true } }, { $set: { settled: Number.MAX_SAFE_INTEGER } }, { many: true });
  } else if (victim === 'balance') lost('balance.events');
  else if (victim === 'transfer') for (const name of ['events', 'store', 'accounts']) lost(`transfer.${name}`);
  else for (const name of ['reporting.store', 'reporting.statistics']) lost(name);
  if (!goesOn) system.start();
  await startReplay(world, clients, victim);
}

async function startReplay(world: World, clients: ReturnType<typeof createClients>, service: string): Promise<void> {
  void clients.replay(service);
  await world.run(() => !clients.isBusy(), LIVE_WITHIN_MS);
}
