/**
 * Replays: what an operator asks for, as it stands, and how far it has got. Kept in the database, worked by replayer.ts.
 */
import type { Collection } from 'mongodb';
import { z } from 'zod';
import { type Binding, type Bindings, EVERY_TYPE } from '../../events/binding.ts';
import { type Clock, type Ids, timestamp } from '../../events/clock.ts';
import type { Feed } from '../../events/feed.ts';
import { clientError } from '../../schema/errors.ts';
import type { EventFilter, Lake } from './store.ts';

export type ReplayStatus = 'PLANNED' | 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';

export type ReplayRow = {
  _id: string;
  service: string;
  mode: 'REPAIR';
  dryRun: boolean;
  filter: EventFilter | null;
  ratePerSecond: number | null;
  status: ReplayStatus;
  /** The lake's size when it was asked for: what is stored later reaches the service anyway. */
  until: number;
  total: number;
  applied: number;
  /** Passes over the lake that are complete, and the position up to which the current one is applied. */
  pass: number;
  position: number;
  eventsPerSecond: number | null;
  requestedBy: string;
  createdAt: string;
  finishedAt: string | null;
  error: string | null;
  /** The tenure of the replayer that works on it. */
  fence?: number;
};

export const indexes = {
  replays: [{ key: { status: 1, createdAt: 1 } }, { key: { createdAt: -1, _id: -1 } }],
} as const;

export const replayInput = z.object({
  service: z.string(),
  filter: z.custom<EventFilter>().nullish(),
  mode: z.enum(['REPAIR', 'REBUILD']).nullish(),
  dryRun: z.boolean().nullish(),
  ratePerSecond: z.int().min(1, 'must be at least 1').max(100_000, 'must be 100,000 or less').nullish(),
});

export type ReplayRequest = z.infer<typeof replayInput>;

export const isOver = (status: ReplayStatus) => status === 'COMPLETED' || status === 'CANCELLED' || status === 'FAILED';
export const topicOf = (id: string) => `replay/${id}`;

/**
 * The passes of a replay over the lake, each with the types it sends: what restores goes before what would be counted.
 * Types that the service does not consume are left out, whatever the filter says.
 */
export function passesOf(binding: Binding, filter: EventFilter | null): EventFilter[] {
  const all = binding.consumes.includes(EVERY_TYPE);
  if (all && !filter?.types) {
    // There is no filter for "all but these": what restores is sent twice.
    const restoring = binding.replayedFirst.length > 0 ? [{ ...filter, types: binding.replayedFirst }] : [];
    return [...restoring, { ...filter }];
  }
  const wanted = (filter?.types ?? binding.consumes).filter(type => all || binding.consumes.includes(type));
  const first = wanted.filter(type => binding.replayedFirst.includes(type));
  const rest = wanted.filter(type => !binding.replayedFirst.includes(type));
  return [first, rest].filter(types => types.length > 0).map(types => ({ ...filter, types }));
}

export type Replays = ReturnType<typeof createReplays>;

export function createReplays(options: {
  rows: Collection<ReplayRow>;
  lake: Lake;
  bindings: Bindings;
  feed: Feed;
  clock: Clock;
  ids: Ids;
}) {
  const { rows, lake, bindings, feed, clock, ids } = options;

  async function bindingOf(service: string): Promise<Binding> {
    const binding = service === 'lake' ? null : await bindings.find(service);
    if (binding) return binding;
    const names = (await bindings.all()).map(({ _id }) => _id).filter(name => name !== 'lake');
    throw clientError(
      'BAD_USER_INPUT',
      `service: there is no "${service}" to replay into, only ${names.sort().join(', ')}.`,
    );
  }

  async function announce(row: ReplayRow): Promise<void> {
    await feed.publish([{ topic: topicOf(row._id), message: row }]);
  }

  async function find(id: string): Promise<ReplayRow> {
    const row = await rows.findOne({ _id: id });
    if (!row) throw clientError('NOT_FOUND', `There is no replay ${id}.`);
    return row;
  }

  return {
    rows,
    announce,
    bindingOf,

    /** @throws BAD_USER_INPUT when it cannot be done; nothing is recorded then. */
    async request(input: ReplayRequest, by: string): Promise<ReplayRow> {
      if (input.mode === 'REBUILD') {
        throw clientError(
          'BAD_USER_INPUT',
          'mode: REBUILD is not available yet; use REPAIR, which puts back what is missing.',
        );
      }
      const binding = await bindingOf(input.service);
      const filter = input.filter ?? null;
      const until = await lake.size();
      const counts = await Promise.all(passesOf(binding, filter).map(pass => lake.count(pass)));
      const dryRun = input.dryRun === true;
      const now = timestamp(clock.now());
      const row: ReplayRow = {
        _id: ids.random(),
        service: input.service,
        mode: 'REPAIR',
        dryRun,
        filter,
        ratePerSecond: input.ratePerSecond ?? null,
        status: dryRun ? 'COMPLETED' : 'PLANNED',
        until,
        total: counts.reduce((sum, count) => sum + count, 0),
        applied: 0,
        pass: 0,
        position: 0,
        eventsPerSecond: null,
        requestedBy: by,
        createdAt: now,
        finishedAt: dryRun ? now : null,
        error: null,
      };
      await rows.insertOne(row);
      return row;
    },

    /** What is over stays as it is. */
    async cancel(id: string): Promise<ReplayRow> {
      await find(id);
      await rows.updateOne(
        { _id: id, status: { $in: ['PLANNED', 'RUNNING'] } },
        { $set: { status: 'CANCELLED', finishedAt: timestamp(clock.now()) } },
      );
      const row = await find(id);
      await announce(row);
      return row;
    },

    find,
  };
}
