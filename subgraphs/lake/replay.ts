/**
 * Replays: what an operator asks for, as it stands, and how far it has got. Kept in the database, worked by replayer.ts.
 */
import type { Collection } from 'mongodb';
import { z } from 'zod';
import { type Binding, type Bindings, EVERY_TYPE, type RebuildWish } from '../../events/binding.ts';
import { type Clock, type Ids, timestamp } from '../../events/clock.ts';
import type { Feed } from '../../events/feed.ts';
import { clientError } from '../../schema/errors.ts';
import type { EventFilter, Lake } from './store.ts';
import { countSubjects } from './subjects.ts';

export type ReplayMode = 'REPAIR' | 'REBUILD' | 'RECONCILE' | 'ROLLBACK';

export type ReplayStatus = 'PLANNED' | 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';

export type ReplayRow = {
  _id: string;
  service: string;
  mode: ReplayMode;
  dryRun: boolean;
  filter: EventFilter | null;
  ratePerSecond: number | null;
  status: ReplayStatus;
  /**
   * The part of the lake that is sent: beyond one position, up to another. It ends with the lake's size when the replay was
   * asked for: what is stored later reaches the service anyway. A rebuild goes on in further rounds.
   */
  from: number;
  until: number;
  round: number;
  /** REBUILD, ROLLBACK: how far it has come. */
  phase: RebuildPhase;
  /** The lake's size before the copy was there: what came after it is sent once more when the copy is served. */
  begunAt: number;
  total: number;
  /** What these are about: counted for dry runs alone; null when it would take too long. */
  subjects?: number | null;
  applied: number;
  /** Passes of the round that are complete, and the position up to which the current one is applied. */
  pass: number;
  position: number;
  /** Where the pass goes from subject to subject: the one that the position is of (see walk.ts). */
  subject?: string | null;
  eventsPerSecond: number | null;
  /** Rows of the service's data that the replay has changed, added or removed. */
  differences: number | null;
  /** REBUILD and the like: the first subjects whose rows differed. */
  differingSubjects: string[];
  requestedBy: string;
  reason: string | null;
  createdAt: string;
  finishedAt: string | null;
  error: string | null;
  /** The tenure of the replayer that works on it. */
  fence?: number;
};

/**
 * PREPARING: the service makes room for a copy. FILLING: the copy is fed with the lake. CATCHING_UP: and with what came
 * meanwhile. SWAPPING: the service compares it, and serves it. ENDING: what came since the beginning is sent once more.
 */
export type RebuildPhase = 'PREPARING' | 'FILLING' | 'CATCHING_UP' | 'SWAPPING' | 'ENDING';

export const indexes = {
  replays: [{ key: { status: 1, createdAt: 1 } }, { key: { createdAt: -1, _id: -1 } }],
} as const;

export const replayInput = z.object({
  service: z.string(),
  filter: z.custom<EventFilter>().nullish(),
  mode: z.enum(['REPAIR', 'REBUILD', 'RECONCILE', 'ROLLBACK']).nullish(),
  dryRun: z.boolean().nullish(),
  reason: z.string().max(500, 'must have 500 characters or fewer').nullish(),
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
  const taken = [...new Set([...binding.consumes, ...binding.replayedFirst])];
  const wanted = (filter?.types ?? taken).filter(type => all || taken.includes(type));
  const first = wanted.filter(type => binding.replayedFirst.includes(type));
  const rest = wanted.filter(type => !binding.replayedFirst.includes(type));
  return [first, rest].filter(types => types.length > 0).map(types => ({ ...filter, types }));
}

/** Whether a filter leaves nothing out. */
export const isWhole = (filter: EventFilter | null): boolean =>
  Object.values(filter ?? {}).every(value => value === null || value === undefined);

/** A copy has all of an account, or of all accounts; what is in parts of a story would not be the data that it replaces. */
function assertRebuildable({ _id: service, rebuildable, rebuiltWhole }: Binding, filter: EventFilter | null): void {
  if (rebuildable === false) {
    throw clientError(
      'BAD_USER_INPUT',
      `mode: "${service}" declares no data as derived, of which a copy could be built beside them; use REPAIR.`,
    );
  }
  const { subject, ...others } = filter ?? {};
  if (rebuiltWhole && typeof subject === 'string') {
    throw clientError(
      'BAD_USER_INPUT',
      `filter.subject: what "${service}" has of one subject is made of events of others as well; rebuild all of it, or use REPAIR.`,
    );
  }
  const [given] = Object.entries(others).find(([, value]) => value !== null && value !== undefined) ?? [];
  if (given === undefined) return;
  throw clientError(
    'BAD_USER_INPUT',
    `filter.${given}: a rebuild takes all events, or those of one "subject"; use REPAIR for a part of them.`,
  );
}

/** What leaves the data that were served before behind, once it has swapped. */
const LEAVING_A_WAY_BACK: ReplayMode[] = ['REBUILD', 'RECONCILE'];

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
    throw clientError('BAD_USER_INPUT', `service: there is no "${service}", only ${names.sort().join(', ')}.`);
  }

  /** How many events a replay would send now, in all its passes. */
  async function count(binding: Binding, filter: EventFilter | null): Promise<number> {
    const counts = await Promise.all(passesOf(binding, filter).map(pass => lake.count(pass)));
    return counts.reduce((sum, some) => sum + some, 0);
  }

  /**
   * The service itself knows for sure, when it comes to it. What is planned may have left something behind by then, and what has failed may
   * have done so after it had swapped; what is being swapped cannot be cancelled.
   */
  async function assertWayBack(service: string): Promise<void> {
    const mode = { $in: LEAVING_A_WAY_BACK };
    const rebuilt = await rows.findOne({ service, mode, dryRun: false, status: { $ne: 'CANCELLED' } });
    if (rebuilt) return;
    throw clientError('BAD_USER_INPUT', `mode: there is nothing to return to: "${service}" was not rebuilt before.`);
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
    count,

    /** @throws BAD_USER_INPUT when it cannot be done; nothing is recorded then. */
    async request(input: ReplayRequest, by: string, id = ids.next()): Promise<ReplayRow> {
      const binding = await bindingOf(input.service);
      const filter = input.filter ?? null;
      const mode = input.mode ?? 'REPAIR';
      if (mode !== 'REPAIR') assertRebuildable(binding, filter);
      if (mode === 'ROLLBACK') await assertWayBack(input.service);
      const until = await lake.size();
      const passes = passesOf(binding, filter);
      const total = await count(binding, filter);
      const dryRun = input.dryRun === true;
      const subjects = dryRun ? await countSubjects(lake, { filters: passes, total, isWhole: isWhole(filter) }) : null;
      // What a repair would send is counted; what a rebuild would change is known only when it is built.
      const isOver = dryRun && mode === 'REPAIR';
      const now = timestamp(clock.now());
      const row: ReplayRow = {
        _id: id,
        service: input.service,
        mode,
        dryRun,
        filter,
        ratePerSecond: input.ratePerSecond ?? null,
        status: isOver ? 'COMPLETED' : 'PLANNED',
        from: 0,
        until,
        round: 0,
        phase: 'PREPARING',
        begunAt: until,
        total,
        subjects,
        applied: 0,
        pass: 0,
        position: 0,
        eventsPerSecond: null,
        differences: null,
        differingSubjects: [],
        requestedBy: by,
        reason: input.reason ?? null,
        createdAt: now,
        finishedAt: isOver ? now : null,
        error: null,
      };
      await rows.insertOne(row);
      return row;
    },

    /** What is over stays as it is, and a copy that is being served already comes to its end. */
    async cancel(id: string): Promise<ReplayRow> {
      await find(id);
      await rows.updateOne(
        { _id: id, status: { $in: ['PLANNED', 'RUNNING'] }, phase: { $nin: ['SWAPPING', 'ENDING'] } },
        { $set: { status: 'CANCELLED', finishedAt: timestamp(clock.now()) } },
      );
      const row = await find(id);
      await announce(row);
      return row;
    },

    find,

    /** Wishes for a step of a rebuild; the service is told, and would look by itself. */
    async wish(service: string, wish: RebuildWish | null): Promise<void> {
      await bindings.wish(service, wish);
      await feed.publish([{ topic: `rebuild/${service}`, message: 1 }]).catch(() => undefined);
    },
  };
}
