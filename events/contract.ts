/**
 * A contract is one event type's promise: its version, the schema of its `data`, an example, and how `data` of the version
 * before are read. Producers make events through it, consumers read events through it; nothing else knows the shape.
 *
 * Whoever decides and whoever consumes knows the newest version alone: older events become it as they are read, and while
 * services run that do not know it yet, the outbox writes it as the version before.
 */
import { z } from 'zod';
import { ContractViolation } from './errors.ts';
import type { Event } from './event.ts';

/** The promise of one event type; see the head of this file. */
export type Contract<Data = unknown> = {
  /** In the past tense, kebab-case: `balance-updated`. */
  type: string;
  /** 1, 2, 3, ... The newest is the one that is decided in, read as, and, unless `writtenAs` says otherwise, written. */
  version: number;
  /** One sentence: what has happened. */
  description: string;
  data: z.ZodType<Data>;
  /** `data` as they may be. A contract that is made by `contract` has one. */
  example?: Data;
  /** The version before, by which events that were stored then are read first; absent for version 1. */
  before?: Contract;
  /** Turns `data` of the version before into those of this one: pure, and quick. */
  upcast?(data: unknown, event: Event): unknown;
  /** While services run that do not know this version: turns its `data` into those of the version before, as which they are written. */
  writtenAs?(data: unknown): unknown;
};

type Definition<Schema extends z.ZodType> = {
  type: string;
  description: string;
  data: Schema;
  example: z.input<Schema>;
};

/** The first version of an event type. @throws ZodError when the example is not one. */
export function contract<Schema extends z.ZodType>(
  definition: Definition<Schema> & { version: 1 },
): Contract<z.output<Schema>>;
/**
 * A version after the first.
 *
 * @param definition `upcast` is given what the version before says, and the event for what its attributes say. `writtenAs`
 *   stays for the release in which the version comes, and goes with the next: whoever is rolled back to the former reads both.
 * @throws ZodError when the example is not one; Error when it does not follow from the version before.
 */
export function contract<Schema extends z.ZodType, Before>(
  definition: Definition<Schema> & {
    version: number;
    before: Contract<Before>;
    upcast: (data: Before, event: Event) => z.input<Schema>;
    writtenAs?: (data: z.output<Schema>) => Before;
  },
): Contract<z.output<Schema>>;
export function contract(
  definition: Definition<z.ZodType> & Pick<Contract, 'version' | 'before' | 'upcast' | 'writtenAs'>,
): Contract {
  const { type, version, before, example, data } = definition;
  if (version !== (before?.version ?? 0) + 1 || (before && before.type !== type)) {
    throw new Error(
      `${type}: version ${version} does not follow ${before ? `${before.type} ${before.version}` : 'none'}`,
    );
  }
  return { ...definition, example: data.parse(example) };
}

/** All versions of a contract, the newest first. */
export function versionsOf(contract: Contract): Contract[] {
  return contract.before ? [contract, ...versionsOf(contract.before)] : [contract];
}

/** The version that is written: the newest whose `writtenAs` is gone. */
export function writtenVersionOf(contract: Contract): Contract {
  return contract.writtenAs && contract.before ? writtenVersionOf(contract.before) : contract;
}

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
 * An event as it is to be stored and sent: of an older version, as long as its contract says so.
 *
 * @throws ContractViolation when `writtenAs` does not lead to what the version before says.
 */
export function asWritten(contract: Contract, event: Event): Event {
  const { before, writtenAs } = contract;
  if (!before || !writtenAs || versionOf(event) !== contract.version) return event;
  const data = checked(before, writtenAs(event.data), event.id);
  return asWritten(before, { ...event, dataschema: dataSchemaOf(before), data });
}

/** What was read of another version than it came. */
const originals = new WeakMap<Event, Event>();

/** An event that `readEvent` has brought up to date, as it came; any other as it is. */
export function asItCame(event: Event): Event {
  return originals.get(event) ?? event;
}

/**
 * Reads an event through its contract: `data` of an older version is brought up to date first.
 *
 * @throws ContractViolation when the version is unknown or `data` breaks the schema.
 */
export function readEvent<Data>(contract: Contract<Data>, event: Event): Event<Data> {
  const version = versionOf(event);
  if (version > contract.version) {
    throw new ContractViolation(
      `${event.type} ${event.id}: version ${version} is newer than ${contract.version}, the newest that this service knows; upgrade it, then resubmit the fault`,
    );
  }
  const read = {
    ...event,
    dataschema: dataSchemaOf(contract),
    data: checked(contract, upcast(contract, event, version), event.id),
  };
  if (version < contract.version) originals.set(read, event);
  return read;
}

/** `data` of a version, one version after the other up to the contract's, which are still to be checked. */
function upcast(contract: Contract, event: Event, version: number): unknown {
  const { before } = contract;
  if (contract.version === version) return event.data;
  if (!before || !contract.upcast) {
    throw new ContractViolation(`${event.type} ${event.id}: no way from version ${version} to ${contract.version}`);
  }
  const data = checked(before, upcast(before, event, version), event.id);
  try {
    return contract.upcast(data, event);
  } catch (cause) {
    throw new ContractViolation(`${event.type} ${event.id}: its data are not those of version ${before.version}`, {
      cause,
    });
  }
}

function versionOf(event: Event): number {
  const { dataschema } = event;
  // Asked for every event and hop: what is cut off is not kept.
  const version = dataschema === undefined ? 1 : Number(dataschema.slice(dataschema.lastIndexOf(':') + 1));
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
