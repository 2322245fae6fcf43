/**
 * A history that is really valid: events as the services would have emitted them, handed to the services' own rules, without queues
 * between. What they make of them is what a replay from the lake makes.
 */
import { pino } from 'pino';
import { startServers } from '../../embedded/index.ts';
import { silentFeed } from '../../events/feed.ts';
import { unmeasured } from '../../events/measures.ts';
import { createOutbox } from '../../events/outbox.ts';
import { applyRules } from '../../events/rule.ts';
import { noTrail } from '../../events/tracing.ts';
import { connect } from '../../scripts/process.ts';
import { loadService, serviceNames } from '../../subgraphs/catalog.ts';
import { history } from '../lake/history.ts';

export type Seed = { dataDir: string; events: number; accounts: number; owner: string };

const BATCH = 1_000;

/** @param onProgress told how many events are stored. The system must not run meanwhile, and must have run before. */
export async function seed(
  { dataDir, events, accounts, owner }: Seed,
  onProgress: (done: number) => void,
): Promise<void> {
  const log = pino({ level: 'silent' });
  const servers = await startServers({ dataDir, log });
  const connections = connect({ ...servers, log });
  try {
    const { mongo, prefix, ...shared } = connections.resources;
    const entries = await Promise.all(serviceNames().map(loadService));
    const services = entries.map(({ definition }) => {
      const collection: Parameters<typeof definition.create>[0]['collection'] = name =>
        mongo.db(`${prefix}-${definition.name}`).collection(name);
      const outbox = createOutbox({ collection: collection('events'), clock: shared.clock, wake: () => undefined });
      const lease = () => ({ fence: () => undefined, release: async () => undefined });
      const parts = definition.create({
        ...shared,
        name: definition.name,
        collection,
        outbox,
        feed: silentFeed,
        lease,
        runTask: async () => undefined,
        trail: noTrail,
        measures: unmeasured,
      });
      return { parts, definition };
    });
    let done = 0;
    for (const batch of history(events, accounts, BATCH, () => owner)) {
      await Promise.all(services.map(({ parts }) => applyRules(parts.rules, batch)));
      done += batch.length;
      onProgress(done);
    }
  } finally {
    await connections.close();
    await servers.stop();
  }
}
