/** Brings about what a scenario has in store: disturbances at a time, ambushes at a step; and ends them. */
import type { SimRedis } from './redis.ts';
import type { Ambush, Disturbance } from './scenario.ts';
import type { System } from './system.ts';
import type { SimProcess, World } from './world.ts';

const REMEMBER_MS = 250;

/** All is well from here on. */
export function heal(world: World, system: System, redis: SimRedis): void {
  world.quiet();
  for (const { process } of system.slots) world.resume(process);
  redis.heal();
  world.down.delete('mongodb');
}

/** Lets something happen at the nth I/O of a kind, once; the rest of the chain waits for that. */
export function lieInWait(world: World, redis: SimRedis, [ambush, ...rest]: readonly Ambush[]): void {
  if (!ambush) return;
  let met = 0;
  let frozen: { process: SimProcess; isAwaited: (what: string) => boolean; left: number } | undefined;
  const isDue = (what: string) => ambush.on.test(what) && ++met === ambush.nth;
  const strike = (process: SimProcess, what: string) => {
    world.note(`ambush: ${ambush.what} at ${process.name} ${what}`);
    lieInWait(world, redis, rest);
    if (ambush.what === 'crash') world.kill(process, `ambush at ${what}`);
    else if (ambush.what === 'flush') redis.flush();
    else if (ambush.what === 'lose tail') loseTail(world, redis);
    else if (ambush.what === 'freeze') {
      const { until, others } = ambush;
      const place = placeOf(what);
      frozen = { process, isAwaited: other => (until ? until.test(other) : placeOf(other) === place), left: others };
      world.pause(process, ambush.forMs);
    } else if ('forMs' in ambush) away(world, redis, ambush.what === 'redis away' ? 'redis' : 'mongodb', ambush.forMs);
  };
  world.listen({
    before(process, what) {
      if ((ambush.what === 'freeze' || ambush.when === 'before') && isDue(what)) strike(process, what);
    },
    after(process, what) {
      if (ambush.what !== 'freeze' && ambush.when === 'after' && isDue(what)) strike(process, what);
      if (frozen?.process === process && ambush.what === 'freeze' && ambush.thenFlush && ambush.on.test(what)) {
        frozen = undefined;
        redis.flush();
      }
      if (!frozen || process === frozen.process || !frozen.isAwaited(what)) return;
      frozen.left -= 1;
      if (frozen.left === 0) world.resume(frozen.process);
    },
  });
}

/** The collection or queue of an I/O. */
const placeOf = (what: string): string => what.split(' ', 1)[0] ?? '';

function away(world: World, redis: SimRedis, server: 'redis' | 'mongodb', forMs: number): void {
  if (server === 'redis') redis.goDown();
  else world.down.add('mongodb');
  world.schedule(forMs, undefined, () => {
    if (server === 'redis') redis.comeBack();
    else world.down.delete('mongodb');
  });
}

/** Redis is killed, and has lost its last moments when it is there again. */
function loseTail(world: World, redis: SimRedis): void {
  redis.goDown();
  redis.loseTail();
  world.schedule(world.random.real() * 1_000, undefined, () => redis.comeBack());
}

/** Keeps what Redis may be set back to, again and again. */
export function rememberAlways(world: World, redis: SimRedis): void {
  redis.remember();
  world.schedule(REMEMBER_MS, undefined, () => rememberAlways(world, redis));
}

/** Lets a disturbance happen now. */
export function disturb(
  world: World,
  { slots }: System,
  redis: SimRedis,
  clients: { replay(service: string): Promise<void> },
  disturbance: Disturbance,
): void {
  const { what } = disturbance;
  const process = 'process' in disturbance ? slots[disturbance.process]?.process : undefined;
  world.note(JSON.stringify(disturbance));
  if (what === 'flush') redis.flush();
  else if (what === 'lose tail') loseTail(world, redis);
  // Only what an outbox and the lake can find out between them.
  else if (what === 'lose job') redis.loseNext('lake');
  else if (what === 'redis away') away(world, redis, 'redis', disturbance.forMs);
  else if (what === 'mongodb away') away(world, redis, 'mongodb', disturbance.forMs);
  else if (what === 'replay') void clients.replay(disturbance.service);
  else if (!process) return;
  else if (what === 'kill') world.kill(process, 'kill -9');
  else if (what === 'pause') world.pause(process, disturbance.forMs);
  else if (what === 'skew') process.skewMs += disturbance.byMs;
  else if (what === 'deafen') {
    const subscriber = [...redis.subscribers].find(({ process: of }) => of === process);
    if (subscriber) redis.disconnect(subscriber, disturbance.forMs);
  }
}
