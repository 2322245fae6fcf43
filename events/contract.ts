/**
 * A contract is one event type's promise: its version, the schema of its `data`, and how `data` of older versions is
 * read. Producers make events through it, consumers read events through it; nothing else knows the shape.
 */
import { z } from 'zod';
import { ContractViolation } from './errors.ts';
import type { Event } from './event.ts';

/** The promise of one event type; see the head of this file. */
export type Contract<Data = unknown> = {
  type: string;
  /** The version that is written today: 1, 2, 3, ... */
  version: number;
  description: string;
  data: z.ZodType<Data>;
  /** `upcasters[n]` turns `data` of version n into version n + 1. */
  upcasters?: Readonly<Record<number, (data: unknown) => unknown>>;
};

/** The events that a contract describes. */
export type EventOf<C> = C extends Contract<infer Data> ? Event<Data> & { type: string } : never;

/** What the producer decides; the contract adds the rest. */
export type EventDraft<Data> = Pick<Event, 'id' | 'source' | 'subject' | 'time'> &
  Partial<Pick<Event, 'correlationid' | 'causationid' | 'traceparent'>> & { data: Data };

/** The CloudEvents `dataschema` of a contract's current version. */
export function dataSchemaOf(contract: Pick<Contract, 'type' | 'version'>): string {
  return `urn:tributary:event:${contract.type}:${contract.version}`;
}

/**
 * Makes an event that keeps its contract.
 *
 * @throws ContractViolation when `data` does not: the mistake is the producer's, and the event must not be stored.
 */
export function createEvent<Data>(contract: Contract<Data>, draft: EventDraft<Data>): Event<Data> {
  const { data, ...attributes } = draft;
  return {
    specversion: '1.0',
    type: contract.type,
    ...attributes,
    dataschema: dataSchemaOf(contract),
    datacontenttype: 'application/json',
    data: checked(contract, data, draft.id),
  };
}

/**
 * Reads an event through its contract: `data` of an older version is brought up to date first.
 *
 * @throws ContractViolation when the version is unknown or `data` breaks the schema.
 */
export function readEvent<Data>(contract: Contract<Data>, event: Event): Event<Data> {
  const version = versionOf(event);
  if (version > contract.version) {
    throw new ContractViolation(`${event.type} ${event.id}: version ${version} is newer than this service knows`);
  }
  let { data } = event;
  for (let from = version; from < contract.version; from++) {
    const upcast = contract.upcasters?.[from];
    if (!upcast) throw new ContractViolation(`${event.type} ${event.id}: no way from version ${from} to ${from + 1}`);
    try {
      data = upcast(data);
    } catch (cause) {
      throw new ContractViolation(`${event.type} ${event.id}: its data are not those of version ${from}`, { cause });
    }
  }
  return { ...event, dataschema: dataSchemaOf(contract), data: checked(contract, data, event.id) };
}

function versionOf(event: Event): number {
  const version = Number(event.dataschema?.split(':').at(-1) ?? 1);
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new ContractViolation(`${event.type} ${event.id}: dataschema ${event.dataschema} names no version`);
  }
  return version;
}

function checked<Data>(contract: Contract<Data>, data: unknown, id: string): Data {
  const parsed = contract.data.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new ContractViolation(`${contract.type} ${id}: ${z.prettifyError(parsed.error)}`);
}
