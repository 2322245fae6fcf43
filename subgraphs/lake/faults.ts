/** Faults: what services have set aside, as the lake has it, and sending it to them once more. */
import type { Collection, Filter } from 'mongodb';
import type { Bindings } from '../../events/binding.ts';
import { type Clock, timestamp } from '../../events/clock.ts';
import { type EventOf, readEvent } from '../../events/contract.ts';
import { fault } from '../../events/fault.ts';
import { partitionOf, spreadOver } from '../../events/partition.ts';
import type { Transport } from '../../events/transport.ts';
import { clientError } from '../../schema/errors.ts';
import type { Lake, LakeRow } from './store.ts';

/** That a fault was resubmitted: by whom, when, and whether the queue has it. */
export type Resubmission = { _id: string; service: string; by: string; at: string; sent: boolean };

type FaultData = EventOf<typeof fault>['data'];

/** A fault, with what has become of it. */
export type Fault = FaultData & { row: LakeRow; resubmittedAt: string | null };

/** What is asked for of faults; everything when absent. */
export type FaultFilter = { service?: string | null; resubmitted?: boolean | null };

/** Those of a page: `further` is the place after which there may be more. */
export type FaultPage = { found: { row: LakeRow; resubmission: Resubmission | null }[]; further: number | undefined };

const RESUBMIT_MAX = 1_000;
/** Faults read at a time while a page is looked for, and at most: then it comes with fewer. */
const READ = 200;
const READ_MAX = 5_000;

export const indexes = { resubmissions: [{ key: { service: 1 } }] } as const;

export type Faults = ReturnType<typeof createFaults>;

export function createFaults(options: {
  lake: Lake;
  resubmissions: Collection<Resubmission>;
  transport: Transport;
  bindings: Bindings;
  clock: Clock;
}) {
  const { lake, resubmissions, transport, bindings, clock } = options;
  const isFault: Filter<LakeRow> = { 'event.type': fault.type };
  const dataOf = (row: LakeRow): FaultData => readEvent(fault, row.event).data;

  /** What is read of a row once, however many fields are asked for. */
  async function node(row: LakeRow, known?: Resubmission | null): Promise<Fault> {
    const resubmission = known === undefined ? await resubmissions.findOne({ _id: row._id }) : known;
    return { ...dataOf(row), row, resubmittedAt: resubmission?.at ?? null };
  }

  async function resubmissionsOf(rows: readonly LakeRow[]): Promise<Map<string, Resubmission>> {
    if (rows.length === 0) return new Map();
    const some = await resubmissions
      .find({ _id: { $in: rows.map(({ _id }) => _id) } })
      .batchSize(READ_MAX)
      .toArray();
    return new Map(some.map(resubmission => [resubmission._id, resubmission]));
  }

  /** @returns how it stands now. Idempotent: a fault is sent again once; failing again makes a fault of its own. */
  async function resubmit(row: LakeRow, by: string) {
    const { service, original, resubmission } = dataOf(row);
    const binding = await bindings.find(service);
    if (!binding) throw clientError('BAD_USER_INPUT', `Service ${service} is not bound any more.`);
    const at = timestamp(clock.now());
    await resubmissions.updateOne(
      { _id: row._id },
      { $setOnInsert: { service, by, at, sent: false } },
      { upsert: true },
    );
    const record = await resubmissions.findOne({ _id: row._id });
    if (record && !record.sent) {
      const place = { id: row._id, subject: row.event.subject };
      const { members } = await transport.look(service);
      const partition = partitionOf(place, spreadOver(binding.partitions, members.length));
      const letter = { service, partition, source: 'lake', events: [original], resubmission: resubmission + 1 };
      await transport.send([letter], { jobId: `resubmission-${row._id}` });
      await resubmissions.updateOne({ _id: row._id }, { $set: { sent: true } });
    }
    return node(row, record);
  }

  return {
    /** Newest first, beyond a position. A filter is held to each fault as it is read, so a page may be short. */
    async page({ service, resubmitted }: FaultFilter, beyond: number | undefined, size: number): Promise<FaultPage> {
      const isFree = !service && typeof resubmitted !== 'boolean';
      const found: FaultPage['found'] = [];
      let place = beyond;
      for (let read = 0; read < READ_MAX; ) {
        const limit = isFree ? size + 1 : READ;
        const rows = await lake.page({ types: [fault.type] }, -1, place, limit);
        read += rows.length;
        const known = await resubmissionsOf(rows);
        for (const row of rows) {
          if (found.length === size) return { found, further: place };
          place = row.version;
          const resubmission = known.get(row._id) ?? null;
          if (service && dataOf(row).service !== service) continue;
          if (typeof resubmitted === 'boolean' && resubmitted !== (resubmission !== null)) continue;
          found.push({ row, resubmission });
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
      if (ids.length > RESUBMIT_MAX) throw clientError('BAD_USER_INPUT', `At most ${RESUBMIT_MAX} faults at a time.`);
      const rows = await lake.rows.find({ ...isFault, _id: { $in: [...ids] } }).toArray();
      const byId = new Map(rows.map(row => [row._id, row]));
      const chosen = ids.map(id => byId.get(id) ?? unknownFault(id));
      const nodes = [];
      for (const row of chosen) nodes.push(await resubmit(row, by));
      return nodes;
    },

    /** Faults of a service that nobody has resubmitted. */
    async open(service: string): Promise<number> {
      const [all, again] = await Promise.all([
        lake.rows.countDocuments({ ...isFault, 'event.data.service': service }),
        resubmissions.countDocuments({ service }),
      ]);
      return Math.max(0, all - again);
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
