import type { GraphQLFieldResolver } from 'graphql';
import type { Bindings } from '../../events/binding.ts';
import type { Clock } from '../../events/clock.ts';
import { type Feed, follow, type Hint } from '../../events/feed.ts';
import { readPlace } from '../../events/tracing.ts';
import type { Transport } from '../../events/transport.ts';
import { assertOperator } from '../../schema/errors.ts';
import { parseInput } from '../../schema/input.ts';
import {
  connection,
  decodeCursor,
  encodeCursor,
  numberPlace,
  PAGE_MAX,
  pageSize,
  timePlace,
} from '../../schema/paging.ts';
import { DateTime, JsonValue } from '../../schema/scalars.ts';
import type { RequestContext, Resolvers } from '../host.ts';
import { causation } from './causes.ts';
import { type Checkpoints, checkpointNow } from './checkpoint.ts';
import { type LinesRequest, readLines } from './export.ts';
import type { FaultFilter, Faults } from './faults.ts';
import { isOver, type ReplayRow, type Replays, replayInput, topicOf } from './replay.ts';
import { reconcileInput, type Schedules } from './schedule.ts';
import type { EventFilter, Lake, LakeRow } from './store.ts';
import type { System, SystemWatch } from './system.ts';
import { startOf, tail } from './tail.ts';
import { unbind } from './unbinding.ts';
import type { Part } from './verify.ts';

type Page = { first?: number | null; after?: string | null };
type TailArguments = { filter?: EventFilter | null; after?: number | null };
type EventsArguments = Page & { filter?: EventFilter | null; order?: 'OLDEST_FIRST' | 'NEWEST_FIRST' | null };

const EVENTS_DEFAULT = 50;

export type LakeParts = {
  lake: Lake;
  faults: Faults;
  replays: Replays;
  schedules: Schedules;
  checkpoints: Checkpoints;
  system: SystemWatch;
  bindings: Bindings;
  transport: Transport;
  feed: Feed;
  clock: Clock;
  /** Tells the replayer that there is something to do. */
  wake: () => void;
  /** Where a person may look at a trace, where that is known. */
  addressOf?: ((traceId: string) => string | undefined) | undefined;
};

export function createResolvers(parts: LakeParts): Resolvers {
  return {
    DateTime,
    JSON: JsonValue,
    Query: forOperators({ ...eventQueries(parts), ...replayQueries(parts), ...serviceQueries(parts) }),
    Mutation: forOperators(mutations(parts)),
    Subscription: subscriptions(parts),
    Event: { ...eventFields, ...traceFields(parts), ...causation(parts.lake.rows) },
  };
}

type Resolver = GraphQLFieldResolver<unknown, RequestContext>;

/** Everything here is the operators' alone. */
function forOperators(resolvers: Record<string, Resolver>) {
  return Object.fromEntries(
    Object.entries(resolvers).map(([name, resolve]) => [
      name,
      ((parent, args, context, info) => {
        assertOperator(context.identity);
        return resolve(parent, args, context, info);
      }) satisfies Resolver,
    ]),
  );
}

const eventFields = {
  id: ({ event }: LakeRow) => event.id,
  type: ({ event }: LakeRow) => event.type,
  source: ({ event }: LakeRow) => event.source,
  subject: ({ event }: LakeRow) => event.subject ?? null,
  time: ({ event }: LakeRow) => event.time,
  data: ({ event }: LakeRow) => event.data ?? null,
  correlationId: ({ event }: LakeRow) => event.correlationid ?? null,
  causationId: ({ event }: LakeRow) => event.causationid ?? null,
  position: ({ version }: LakeRow) => version,
};

function traceFields({ addressOf }: LakeParts) {
  const idOf = ({ event }: LakeRow) => readPlace(event.traceparent)?.traceId ?? null;
  return {
    traceId: idOf,
    traceUrl(row: LakeRow) {
      const id = idOf(row);
      return id === null ? null : (addressOf?.(id) ?? null);
    },
  };
}

function eventQueries({ lake, checkpoints }: LakeParts) {
  return {
    async events(_: unknown, { filter, first, after, order }: EventsArguments) {
      const size = pageSize(first, EVENTS_DEFAULT);
      const beyond = decodeCursor(after, numberPlace)?.[0];
      const rows = await lake.page(filter, order === 'NEWEST_FIRST' ? -1 : 1, beyond, size + 1);
      const place = (row: LakeRow) => [row.version];
      return { ...connection(rows, size, place, row => row), totalCount: () => lake.count(filter) };
    },
    event: (_: unknown, { id }: { id: string }) => lake.rows.findOne({ _id: id }),
    eventLines: (_: unknown, asked: LinesRequest) => readLines(lake, asked),
    verifyLake: (_: unknown, part: Part) => lake.verify(part),
    checkpoint: () => checkpointNow(lake, checkpoints),
  };
}

function replayQueries({ replays, schedules, faults }: LakeParts) {
  return {
    async schedules() {
      const rows = await schedules.rows.find().sort({ _id: 1 }).limit(PAGE_MAX).toArray();
      return rows.map(({ _id: service, ...schedule }) => ({ ...schedule, service }));
    },
    async replay(_: unknown, { id }: { id: string }) {
      const row = await replays.rows.findOne({ _id: id });
      return row && replayNode(row);
    },
    async replays(_: unknown, { first, after }: Page) {
      const size = pageSize(first);
      const place = decodeCursor(after, timePlace);
      const beyond = place && {
        $or: [{ createdAt: { $lt: place[0] } }, { createdAt: place[0], _id: { $lt: place[1] } }],
      };
      const rows = await replays.rows
        .find({ ...beyond })
        .sort({ createdAt: -1, _id: -1 })
        .limit(size + 1)
        .toArray();
      return connection(rows, size, ({ createdAt, _id }) => [createdAt, _id], replayNode);
    },
    async fault(_: unknown, { id }: { id: string }) {
      const row = await faults.find(id);
      return row && faults.node(row);
    },
    async faults(_: unknown, { first, after, ...filter }: Page & FaultFilter) {
      const size = pageSize(first);
      const { found, further } = await faults.page(filter, decodeCursor(after, numberPlace)?.[0], size);
      const last = further ?? found.at(-1)?.row.version;
      const endCursor = last === undefined ? null : encodeCursor([last]);
      const pageInfo = { hasNextPage: further !== undefined, endCursor };
      return { nodes: found.map(({ row, resubmission }) => faults.node(row, resubmission)), pageInfo };
    },
  };
}

function serviceQueries({ bindings, transport, faults, clock, system }: LakeParts) {
  return {
    system: () => system.now(),
    async services() {
      const all = await bindings.all();
      return all
        .sort((a, b) => (a._id < b._id ? -1 : 1))
        .map(async ({ _id: name, consumes, emits, partitions, reconciled }) => {
          const { events, oldestMs } = await transport.backlog(name, partitions);
          const lagSeconds = oldestMs === undefined ? 0 : Math.max(0, clock.now() - oldestMs) / 1000;
          return {
            name,
            consumes,
            emits,
            lagEvents: events,
            lagSeconds,
            faults: () => faults.open(name),
            unconfirmedEvents: reconciled?.unconfirmed ?? null,
            resentEvents: reconciled?.resent ?? null,
          };
        });
    },
  };
}

function mutations(parts: LakeParts) {
  const { replays, schedules, faults, wake } = parts;
  return {
    async reconcile(_: unknown, { input }: { input: unknown }, { identity }: RequestContext) {
      const row = await schedules.reconcile(parseInput(reconcileInput, input), identity.ownerId);
      wake();
      return replayNode(row);
    },
    async replay(_: unknown, { input }: { input: unknown }, { identity }: RequestContext) {
      const row = await replays.request(parseInput(replayInput, input), identity.ownerId);
      wake();
      return replayNode(row);
    },
    cancelReplay: async (_: unknown, { id }: { id: string }) => replayNode(await replays.cancel(id)),
    resubmit: (_: unknown, { faultIds }: { faultIds: string[] }, { identity }: RequestContext) =>
      faults.resubmit(faultIds, identity.ownerId),
    async unbind(_: unknown, { service }: { service: string }) {
      await unbind(parts, service);
      return serviceQueries(parts).services();
    },
  };
}

function subscriptions({ lake, replays, feed, system }: LakeParts) {
  return {
    systemChanged: {
      subscribe(_: unknown, _arguments: unknown, { identity }: RequestContext) {
        assertOperator(identity);
        return follow<System, { systemChanged: System }>(system.watch(), async now => now && { systemChanged: now });
      },
    },
    replayProgress: {
      async subscribe(_: unknown, { id }: { id: string }, { identity }: RequestContext) {
        assertOperator(identity);
        await replays.find(id);
        let over = false;
        const hints = feed.watch<ReplayRow>(topicOf(id));
        return follow<Hint<ReplayRow>, { replayProgress: object }>(hints, async hint => {
          // The end of a replay is the end of its progress.
          if (over) return hints.return?.().then(() => undefined);
          const row = hint && 'message' in hint ? hint.message : await replays.find(id);
          over = isOver(row.status);
          if (over) await hints.return?.();
          return { replayProgress: replayNode(row) };
        });
      },
    },
    eventStored: {
      async subscribe(_: unknown, { filter, after }: TailArguments, { identity }: RequestContext) {
        assertOperator(identity);
        return tail({ lake, feed, filter, from: await startOf(lake, after) }, row => ({ eventStored: row }));
      },
    },
  };
}

function replayNode({ _id, ...row }: ReplayRow) {
  const { status, eventsPerSecond, total, applied } = row;
  const secondsLeft = status === 'RUNNING' && eventsPerSecond ? Math.max(0, total - applied) / eventsPerSecond : null;
  return { ...row, id: _id, secondsLeft };
}
