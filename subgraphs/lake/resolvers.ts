import type { Bindings } from '../../events/binding.ts';
import type { Clock } from '../../events/clock.ts';
import { type Feed, follow, type Hint } from '../../events/feed.ts';
import { readPlace } from '../../events/tracing.ts';
import type { Backlog, Transport } from '../../events/transport.ts';
import { assertOperator } from '../../schema/errors.ts';
import { assertOrdered, parseInput } from '../../schema/input.ts';
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
import type { RequestContext } from '../host.ts';
import { causation } from './causes.ts';
import { type Checkpoints, checkpointNow } from './checkpoint.ts';
import { readLines } from './export.ts';
import { dismissInput, type Faults } from './faults.ts';
import type {
  EventResolvers,
  MutationResolvers,
  QueryResolvers,
  ReplayResolvers,
  Resolvers,
  SubscriptionResolvers,
} from './generated.ts';
import type { ServiceNode } from './nodes.ts';
import { isOver, type ReplayRow, type Replays, replayInput, topicOf } from './replay.ts';
import type { Retired } from './retired.ts';
import { reconcileInput, type Schedules } from './schedule.ts';
import type { Lake, LakeRow } from './store.ts';
import { type System, type SystemWatch, secondsFrom } from './system.ts';
import { startOf, tail } from './tail.ts';
import { eventTypes } from './types.ts';
import { unbind } from './unbinding.ts';

const EVENTS_DEFAULT = 50;

export type LakeParts = {
  lake: Lake;
  faults: Faults;
  replays: Replays;
  schedules: Schedules;
  checkpoints: Checkpoints;
  retired: Retired;
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
    EventConnection: { totalCount: ({ totalCount }) => totalCount() },
    Fault: parts.faults.fields,
    Replay: replayFields,
    Schedule: { service: ({ _id }) => _id },
    Service: { faults: ({ faults }) => faults() },
  };
}

/** Everything here is the operators' alone. */
function forOperators<Fields extends QueryResolvers | MutationResolvers>(resolvers: Fields): Fields {
  type Resolver = (...args: [unknown, unknown, RequestContext, unknown]) => unknown;
  const guarded = Object.entries(resolvers).map(([name, resolve]): [string, Resolver] => [
    name,
    (parent, args, context, info) => {
      assertOperator(context.identity);
      return (resolve as Resolver)(parent, args, context, info);
    },
  ]);
  // The same fields, each with the same arguments and result.
  return Object.fromEntries(guarded) as Fields;
}

const eventFields: EventResolvers = {
  id: ({ event }) => event.id,
  type: ({ event }) => event.type,
  source: ({ event }) => event.source,
  subject: ({ event }) => event.subject ?? null,
  time: ({ event }) => event.time,
  data: ({ event }) => event.data ?? null,
  correlationId: ({ event }) => event.correlationid ?? null,
  causationId: ({ event }) => event.causationid ?? null,
  position: ({ version }) => version,
};

function traceFields({ addressOf }: LakeParts): EventResolvers {
  const idOf = ({ event }: LakeRow) => readPlace(event.traceparent)?.traceId ?? null;
  return {
    traceId: idOf,
    traceUrl(row: LakeRow) {
      const id = idOf(row);
      return id === null ? null : (addressOf?.(id) ?? null);
    },
  };
}

function eventQueries({ lake, checkpoints }: LakeParts): QueryResolvers {
  return {
    async events(_, { filter, first, after, order }) {
      assertOrdered(filter);
      const size = pageSize(first, EVENTS_DEFAULT);
      const beyond = decodeCursor(after, numberPlace)?.[0];
      const rows = await lake.page(filter, order === 'NEWEST_FIRST' ? -1 : 1, beyond, size + 1);
      const place = (row: LakeRow) => [row.version];
      return { ...connection(rows, size, place, row => row), totalCount: () => lake.count(filter) };
    },
    event: (_, { id }) => lake.rows.findOne({ _id: id }),
    async eventLines(_, asked) {
      assertOrdered(asked.filter);
      return readLines(lake, asked);
    },
    verifyLake: (_, part) => lake.verify(part),
    checkpoint: () => checkpointNow(lake, checkpoints),
  };
}

function replayQueries({ replays, schedules, faults }: LakeParts): QueryResolvers {
  return {
    schedules: () => schedules.rows.find().sort({ _id: 1 }).limit(PAGE_MAX).toArray(),
    replay: (_, { id }) => replays.rows.findOne({ _id: id }),
    async replays(_, { first, after }) {
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
      return connection(
        rows,
        size,
        ({ createdAt, _id }) => [createdAt, _id],
        row => row,
      );
    },
    async fault(_, { id }) {
      const row = await faults.find(id);
      return row && faults.node(row);
    },
    async faults(_, { first, after, ...filter }) {
      const size = pageSize(first);
      const { found, further } = await faults.page(filter, decodeCursor(after, numberPlace)?.[0], size);
      const last = further ?? found.at(-1)?.row.version;
      const endCursor = last === undefined ? null : encodeCursor([last]);
      const pageInfo = { hasNextPage: further !== undefined, endCursor };
      return { nodes: found.map(({ row, answer }) => faults.node(row, answer)), pageInfo };
    },
  };
}

function serviceQueries(parts: LakeParts): QueryResolvers {
  return {
    system: () => parts.system.now(),
    services: () => servicesNow(parts),
    eventTypes: () => eventTypes(parts),
  };
}

async function servicesNow({ bindings, transport, faults, clock }: LakeParts): Promise<ServiceNode[]> {
  const all = await bindings.all();
  return all
    .sort((a, b) => (a._id < b._id ? -1 : 1))
    .map(({ _id: name, consumes, emits, reconciled }) => {
      // Asked once for both, and by who wants to know: the rest is told without Redis too.
      let asked: Promise<Backlog> | undefined;
      const backlog = () => (asked ??= transport.backlog(name));
      return {
        name,
        consumes,
        emits,
        lagEvents: async () => (await backlog()).events,
        lagSeconds: async () => secondsFrom((await backlog()).oldestMs, clock.now()),
        faults: () => faults.open(name),
        unconfirmedEvents: reconciled?.unconfirmed ?? null,
        resentEvents: reconciled?.resent ?? null,
      };
    });
}

function mutations(parts: LakeParts): MutationResolvers {
  const { replays, schedules, faults, wake } = parts;
  return {
    async reconcile(_, { input }, { identity }) {
      const row = await schedules.reconcile(parseInput(reconcileInput, input), identity.ownerId);
      wake();
      return row;
    },
    async replay(_, { input }, { identity }) {
      assertOrdered(input.filter);
      const row = await replays.request(parseInput(replayInput, input), identity.ownerId);
      wake();
      return row;
    },
    cancelReplay: (_, { id }) => replays.cancel(id),
    resubmit: (_, { faultIds }, { identity }) => faults.resubmit(faultIds, identity.ownerId),
    dismiss: (_, input, { identity }) => faults.dismiss(parseInput(dismissInput, input), identity.ownerId),
    async unbind(_, { service }) {
      await unbind(parts, service);
      return servicesNow(parts);
    },
  };
}

function subscriptions({ lake, replays, feed, system }: LakeParts): SubscriptionResolvers {
  return {
    systemChanged: {
      subscribe(_, _arguments, { identity }) {
        assertOperator(identity);
        return follow<System, { systemChanged: System }>(system.watch(), async now => now && { systemChanged: now });
      },
    },
    replayProgress: {
      async subscribe(_, { id }, { identity }) {
        assertOperator(identity);
        await replays.find(id);
        let over = false;
        const hints = feed.watch<ReplayRow>(topicOf(id));
        return follow<Hint<ReplayRow>, { replayProgress: ReplayRow }>(hints, async hint => {
          // The end of a replay is the end of its progress.
          if (over) return hints.return?.().then(() => undefined);
          const row = hint && 'message' in hint ? hint.message : await replays.find(id);
          over = isOver(row.status);
          if (over) await hints.return?.();
          return { replayProgress: row };
        });
      },
    },
    eventStored: {
      async subscribe(_, { filter, after }, { identity }) {
        assertOperator(identity);
        assertOrdered(filter);
        return tail({ lake, feed, filter, from: await startOf(lake, after) }, row => ({ eventStored: row }));
      },
    },
  };
}

const replayFields: ReplayResolvers = {
  id: ({ _id }) => _id,
  secondsLeft: ({ status, eventsPerSecond, total, applied }) =>
    status === 'RUNNING' && eventsPerSecond ? Math.max(0, total - applied) / eventsPerSecond : null,
};
