/**
 * The seeder: sends a service that was added to a running system what was before it, by a replay into its queues, behind its
 * live events. One process of the lake does so, by lease.
 *
 * Guarantees: with what the relays send by themselves the service gets every event (see events/joining.ts): the replay goes
 * up to what the lake holds once every source has joined and the lake has passed where each did. It waits for that as long as
 * it takes: a source that is not running holds it up, until it runs or is unbound. Planned once, whatever crashes.
 */
import type { Logger } from 'pino';
import type { Binding, Bindings } from '../../events/binding.ts';
import type { Clock } from '../../events/clock.ts';
import { ignoreDuplicates } from '../../events/errors.ts';
import type { Lease } from '../../events/lease.ts';
import { LAKE } from '../../events/reconciler.ts';
import type { Replays } from './replay.ts';
import type { Lake } from './store.ts';

export type Seeder = { stop(): Promise<void> };

const POLL_MS = 1_000;

/** The sources that a new service, and the lake on its behalf, still wait for. */
export function awaited({ joined }: Binding, all: readonly Binding[]): string[] {
  const passed = all.find(({ _id }) => _id === LAKE)?.passed;
  return all
    .map(({ _id }) => _id)
    .filter(source => {
      const flush = joined?.[source];
      return flush === undefined || flush > (passed?.[source] ?? 0);
    });
}

export function startSeeder(options: {
  replays: Replays;
  lake: Lake;
  bindings: Bindings;
  lease: Pick<Lease, 'fence'>;
  /** A replay is planned. */
  wake: () => void;
  clock: Clock;
  log: Logger;
}): Seeder {
  const { replays, lake, bindings, lease, wake, clock, log } = options;
  const stopped = new AbortController();

  async function seed({ _id: service, joined = {} }: Binding, id: string): Promise<void> {
    // Where every source sends from its first event on there is nothing before.
    const isLate = Object.values(joined).some(flush => flush > 0);
    // After a crash it may be planned already.
    if (isLate && (await lake.size()) > 0) await replays.request({ service }, LAKE, id).catch(ignoreDuplicates);
    await bindings.seeded(service, id);
    log.info({ to: service, replay: isLate ? id : undefined }, 'a new service is bound');
    wake();
  }

  async function turn(): Promise<void> {
    if (lease.fence() === undefined) return;
    const all = await bindings.all();
    for (const binding of all) {
      if (binding.seeding === undefined) continue;
      const waitsFor = awaited(binding, all);
      if (waitsFor.length > 0) log.debug({ to: binding._id, waitsFor }, 'a new service waits to be seeded');
      else await seed(binding, binding.seeding);
    }
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      await turn().catch(error => log.debug({ err: error }, 'seeder waits'));
      await clock.sleep(POLL_MS, stopped.signal);
    }
  })();

  return {
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
