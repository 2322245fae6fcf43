/** Faults: what services have set aside, as the lake has it; sending it to them once more, and closing what cannot be put right. */
import type { Collection, Filter } from 'mongodb';
import { z } from 'zod';
import type { Bindings } from '../../events/binding.ts';
import { type Clock, timestamp } from '../../events/clock.ts';
import { type EventOf, readEvent } from '../../events/contract.ts';
import { fault } from '../../events/fault.ts';
import { partitionOf, spreadOver } from '../../events/partition.ts';
import type { Transport } from '../../events/transport.ts';
import { clientError } from '../../schema/errors.ts';
import { text } from '../../schema/input.ts';
import type { Lake, LakeRow } from './store.ts';

/** What was done about a fault: that it was resubmitted, by whom, when, and whether the queue has it; and that it was dismissed. */
export type Answer = {
  _id: string;
  service: string;
  by?: string;
  at?: string;
  sent: boolean;
  dismissal?: Dismissal;
};

export type Dismissal = { by: string; at: string; reason: string };

/** See the schema. */
export type FaultState = 'OPEN' | 'RESUBMITTED' | 'DISMISSED';

/** What is said when faults are dismissed. */
export const dismissInput = z.object({
  faultIds: z.array(z.string()),
  reason: text(500).trim().min(1, 'must say why'),
});

type FaultData = EventOf<typeof fault>['data'];

/** A fault, with what has become of it. */
export type Fault = FaultData & {
  row: LakeRow;
  state: FaultState;
  resubmittedAt: string | null;
  dismissal: Dismissal | null;
};

/** What is asked for of faults; everything when absent. */
export type FaultFilter = { service?: string | null; resubmitted?: boolean | null; state?: FaultState | null };

/** Those of a page: `further` is the place after which there may be more. */
export type FaultPage = { found: { row: LakeRow; answer: Answer | null }[]; further: number | undefined };

const AT_ONCE_MAX = 1_000;
/** Faults read at a time while a page is looked for, and at most: then it comes with fewer. */
const READ = 200;
const READ_MAX = 5_000;

export const indexes = { resubmissions: [{ key: { service: 1 } }] } as const;

/** How a fault stands: pure. */
function stateOf(answer: Answer | null): FaultState {
  if (answer?.at !== undefined) return 'RESUBMITTED';
  return answer?.dismissal ? 'DISMISSED' : 'OPEN';
}

export type Faults = ReturnType<typeof createFaults>;

export function createFaults(options: {
  lake: Lake;
  /** By the fault's id. */
  answers: Collection<Answer>;
  transport: Transport;
  bindings: Bindings;
  clock: Clock;
}) {
  const { lake, answers, transport, bindings, clock } = options;
  const isFault: Filter<LakeRow> = { 'event.type': fault.type };
  const dataOf = (row: LakeRow): FaultData => readEvent(fault, row.event).data;

  /** What is read of a row once, however many fields are asked for. */
  async function node(row: LakeRow, known?: Answer | null): Promise<Fault> {
    const answer = known === undefined ? await answers.findOne({ _id: row._id }) : known;
    const { at = null, dismissal = null } = answer ?? {};
    return { ...dataOf(row), row, state: stateOf(answer), resubmittedAt: at, dismissal };
  }

  async function answersTo(rows: readonly LakeRow[]): Promise<Map<string, Answer>> {
    if (rows.length === 0) return new Map();
    const some = await answers
      .find({ _id: { $in: rows.map(({ _id }) => _id) } })
      .batchSize(READ_MAX)
      .toArray();
    return new Map(some.map(answer => [answer._id, answer]));
  }

  /** The faults with these ids, in their order. @throws BAD_USER_INPUT when there are too many, or one is none. */
  async function chosen(ids: readonly string[]): Promise<LakeRow[]> {
    if (ids.length > AT_ONCE_MAX) throw clientError('BAD_USER_INPUT', `At most ${AT_ONCE_MAX} faults at a time.`);
    const rows = await lake.rows.find({ ...isFault, _id: { $in: [...ids] } }).toArray();
    const byId = new Map(rows.map(row => [row._id, row]));
    return ids.map(id => byId.get(id) ?? unknownFault(id));
  }

  /** @returns how it stands now. Idempotent: a fault is sent again once; failing again makes a fault of its own. */
  async function resubmit(row: LakeRow, by: string) {
    const { service, original, resubmission } = dataOf(row);
    const binding = await bindings.find(service);
    if (!binding) throw clientError('BAD_USER_INPUT', `Service ${service} is not bound any more.`);
    const { _id } = row;
    const at = timestamp(clock.now());
    await answers.updateOne({ _id }, { $setOnInsert: { service, by, at, sent: false } }, { upsert: true });
    // It was dismissed before.
    await answers.updateOne({ _id, at: { $exists: false } }, { $set: { by, at } });
    const record = await answers.findOne({ _id });
    if (record && !record.sent) {
      const place = { id: _id, subject: row.event.subject };
      const { members } = await transport.look(service);
      const partition = partitionOf(place, spreadOver(binding.partitions, members.length));
      const letter = { service, partition, source: 'lake', events: [original], resubmission: resubmission + 1 };
      await transport.send([letter], { jobId: `resubmission-${_id}` });
      await answers.updateOne({ _id }, { $set: { sent: true } });
    }
    return node(row, record);
  }

  async function dismiss(row: LakeRow, dismissal: Dismissal) {
    const { _id } = row;
    const { service } = dataOf(row);
    await answers.updateOne({ _id }, { $setOnInsert: { service, sent: false, dismissal } }, { upsert: true });
    await answers.updateOne({ _id, dismissal: { $exists: false } }, { $set: { dismissal } });
    return node(row);
  }

  return {
    /** Newest first, beyond a position. A filter is held to each fault as it is read, so a page may be short. */
    async page(
      { service, resubmitted, state }: FaultFilter,
      beyond: number | undefined,
      size: number,
    ): Promise<FaultPage> {
      const isFree = !service && typeof resubmitted !== 'boolean' && !state;
      const found: FaultPage['found'] = [];
      let place = beyond;
      for (let read = 0; read < READ_MAX; ) {
        const limit = isFree ? size + 1 : READ;
        const rows = await lake.page({ types: [fault.type] }, -1, place, limit);
        read += rows.length;
        const known = await answersTo(rows);
        for (const row of rows) {
          if (found.length === size) return { found, further: place };
          place = row.version;
          const answer = known.get(row._id) ?? null;
          if (service && dataOf(row).service !== service) continue;
          if (typeof resubmitted === 'boolean' && resubmitted !== (answer?.at !== undefined)) continue;
          if (state && state !== stateOf(answer)) continue;
          found.push({ row, answer });
        }
        if (rows.length < limit) return { found, further: undefined };
      }
      return { found, further: place };
    },
    node,

    /** The fields of the type that clients see. */
    fields: {
      id: ({ row }: Fault) => row._id,
      eventType: ({ original }: Fault) => typeOf(original),
      subject: ({ row }: Fault) => row.event.subject ?? null,
      time: ({ row }: Fault) => row.event.time,
      event: ({ eventId }: Fault) => lake.rows.findOne({ _id: eventId }),
    },

    find: (id: string): Promise<LakeRow | null> => lake.rows.findOne({ ...isFault, _id: id }),

    /** @throws BAD_USER_INPUT when there is no such fault; nothing is sent then. */
    async resubmit(ids: readonly string[], by: string) {
      const nodes = [];
      for (const row of await chosen(ids)) nodes.push(await resubmit(row, by));
      return nodes;
    },

    /** Closes faults; the first reason stands. @throws BAD_USER_INPUT when there is no such fault; nothing is closed then. */
    async dismiss({ faultIds, reason }: z.output<typeof dismissInput>, by: string) {
      const at = timestamp(clock.now());
      const nodes = [];
      for (const row of await chosen(faultIds)) nodes.push(await dismiss(row, { by, at, reason }));
      return nodes;
    },

    /** Faults of a service that nobody has resubmitted or dismissed. */
    async open(service: string): Promise<number> {
      const [all, answered] = await Promise.all([
        lake.rows.countDocuments({ ...isFault, 'event.data.service': service }),
        answers.countDocuments({ service }),
      ]);
      return Math.max(0, all - answered);
    },
  };
}

function typeOf(original: unknown): string | null {
  const type = (original as Record<string, unknown> | null | undefined)?.type;
  return typeof type === 'string' ? type : null;
}

function unknownFault(id: string): never {
  throw clientError('BAD_USER_INPUT', `There is no fault ${id}.`);
}
