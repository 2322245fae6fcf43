/**
 * Correlation: collects events that belong together in the service's micro event store, and emits what they come to by rules
 * that are data: correlate by, when all of, expire after. What a rule emits is a decision, and an event of the service's own.
 *
 *     const transfers = createCorrelation({ source: '/transfer', by: transferOf, store, record, outbox, clock, rules: [
 *       { decision: 'course', whenAllOf: [requested, withdrawn], emit: (story, draft) => createEvent(funded, …) },
 *       { decision: 'course', since: requested, expireAfter: () => 60_000, emit: (_, draft) => createEvent(expired, …) },
 *     ] });
 *
 * Guarantees: of the rules of one decision, one emits, once, for ever: the event's id follows from the key and the decision,
 * and the record stores an id once, whoever else decides at the same time. Whatever the order, and however often events
 * come, the same events come to the same decisions, content and all, but where time decides: there the first to be stored
 * stands, and a replay puts it back before it comes to the rest. Does not guarantee when something expires, only not before.
 *
 * After collect, correlate, evaluate and expired in John Gilbert's aws-lambda-stream.
 */
import type { Collection } from 'mongodb';
import { type Clock, timestamp } from './clock.ts';
import type { Contract, EventDraft } from './contract.ts';
import { ignoreDuplicates } from './errors.ts';
import { causedBy, deriveId, type Event } from './event.ts';
import { chunk, groupBy } from './group.ts';
import type { Outbox, OutboxEntry } from './outbox.ts';
import { putBack } from './restore.ts';
import type { Handling } from './rule.ts';

/** An event of a contract that is such as it is said. */
export type Condition = { on: Contract; where(event: Event, story: Story): boolean };

/** A condition whose `where` knows the shape of the event. */
export function such<Data>(on: Contract<Data>, where: (event: Event<Data>, story: Story) => boolean): Condition {
  // Events are read through their contracts before they are collected.
  return { on, where: (event, story) => where(event as Event<Data>, story) };
}

/** All events of one key, those that the service has decided among them. */
export type Story = {
  key: string;
  /** The earliest event of a contract. @throws when there is none: ask for what the rule's conditions name. */
  the<Data>(contract: Contract<Data>): Event<Data>;
  /** The same, where there may be none. */
  find<Data>(contract: Contract<Data>): Event<Data> | undefined;
};

/** What the event of a decision is made of: `subject` is the key, `time` that of the latest event it follows from. */
export type DecisionDraft = Omit<EventDraft<unknown>, 'data'>;

/** One rule: what it decides, when it holds, and what it emits then. */
export type CorrelationRule = {
  /** Of several rules that make one decision the first to hold makes it; the others never do. */
  decision: string;
  /** Pure: the same story gives the same event. `draft` has all but the contract and the data. */
  emit(story: Story, draft: DecisionDraft): Event;
} & (
  | {
      /** Holds once there is an event for each. */
      whenAllOf: readonly (Contract | Condition)[];
    }
  | {
      /** Holds so many milliseconds after the time of this event. */
      since: Contract;
      expireAfter(event: Event): number;
    }
);

/** An event that was collected; `due`: when something expires with it, in milliseconds, until that is decided. */
export type CollectedRow = { _id: string; key: string; event: Event; due?: number };

/** The indexes that the store of a correlation needs. */
export const correlationIndexes = [{ key: { key: 1 } }, { key: { due: 1 }, sparse: true }] as const;

/** What a correlation is made of. */
export type CorrelationOptions = {
  /** Of what is emitted: `/transfer`. */
  source: string;
  /** Correlate by: the key of an event, or undefined when it belongs to no story. */
  by(event: Event): string | undefined;
  rules: readonly CorrelationRule[];
  /** The micro event store, with `correlationIndexes`. A rebuild may make it anew. */
  store: Collection<CollectedRow>;
  /** The service's `events`, where its outbox stores what is decided. */
  record: Collection<OutboxEntry>;
  outbox: Pick<Outbox, 'appendDerived'>;
  clock: Clock;
};

/** What a service hands to its rules, and to `due`. */
export type Correlation = {
  /** Collects events and emits what they come to. A handler for `rule`. @returns how many were not in the store. */
  handle(events: readonly Event[], how?: Handling): Promise<number>;
  /** Collects events and emits nothing: for a copy that is being rebuilt. */
  collect(events: readonly Event[], how?: Handling): Promise<number>;
  /** Emits what has expired. For `due` of a service: called again and again, by any number of processes. */
  expire(): Promise<void>;
  /** What was decided, by key, in no order; a key that nothing was decided of is not among them. */
  decisions(keys: readonly string[]): Promise<Map<string, Event[]>>;
};

const KEYS_AT_ONCE = 200;
const EXPIRED_AT_ONCE = 200;

/** The id of a decision's event: it is the same for each of the rules that make it. */
export function decisionId(source: string, key: string, decision: string): string {
  return deriveId('decision', source, key, decision);
}

/**
 * What is still to be decided, of one key: pure.
 *
 * @param nowMs decides what has expired; without it nothing has.
 */
export function decide(
  { source, rules }: Pick<CorrelationOptions, 'source' | 'rules'>,
  key: string,
  events: readonly Event[],
  nowMs = Number.NEGATIVE_INFINITY,
): Event[] {
  const story = storyOf(key, events);
  const taken = new Set(events.map(({ id }) => id));
  return rules.flatMap(rule => {
    const id = decisionId(source, key, rule.decision);
    if (taken.has(id)) return [];
    const because = 'since' in rule ? expired(rule, story, nowMs) : met(rule.whenAllOf, story, events);
    if (!because) return [];
    taken.add(id);
    return [rule.emit(story, { id, source, subject: key, time: because.time, ...causedBy(because.cause) })];
  });
}

type Because = { cause: Event; time: string };
type Expiring = Extract<CorrelationRule, { since: Contract }>;

const dueMs = ({ expireAfter }: Expiring, event: Event) => Date.parse(event.time) + expireAfter(event);

function expired(rule: Expiring, story: Story, nowMs: number): Because | undefined {
  const cause = story.find(rule.since);
  if (!cause || dueMs(rule, cause) > nowMs) return undefined;
  return { cause, time: timestamp(dueMs(rule, cause)) };
}

function met(
  conditions: readonly (Contract | Condition)[],
  story: Story,
  events: readonly Event[],
): Because | undefined {
  const found = conditions.map(condition =>
    'on' in condition
      ? earliest(events.filter(event => event.type === condition.on.type && condition.where(event, story)))
      : story.find(condition),
  );
  const there = found.flatMap(event => event ?? []);
  const cause = there.length === conditions.length ? inOrder(there).at(-1) : undefined;
  return cause && { cause, time: cause.time };
}

/** By time, then by id: any order of arrival is the same. */
const inOrder = (events: readonly Event[]) =>
  [...events].sort((a, b) => (a.time === b.time ? (a.id < b.id ? -1 : 1) : a.time < b.time ? -1 : 1));
const earliest = (events: readonly Event[]): Event | undefined => inOrder(events)[0];

function storyOf(key: string, events: readonly Event[]): Story {
  const find = <Data>(contract: Contract<Data>) =>
    earliest(events.filter(({ type }) => type === contract.type)) as Event<Data> | undefined;
  return {
    key,
    find,
    the(contract) {
      const event = find(contract);
      if (!event) throw new Error(`${key}: there is no ${contract.type} here, and no condition asks for one`);
      return event;
    },
  };
}

/** A correlation on a store; pure in what it decides, so that any number of processes may run it. */
export function createCorrelation(options: CorrelationOptions): Correlation {
  const { source, by, rules, store, record, outbox, clock } = options;
  const names = [...new Set(rules.map(({ decision }) => decision))];
  const expiring = rules.filter((rule): rule is CorrelationRule & Expiring => 'since' in rule);

  const fieldsOf = (event: Event) => {
    const due = expiring.filter(({ since }) => since.type === event.type).map(rule => dueMs(rule, event));
    return { key: by(event) ?? '', ...(due.length > 0 && { due: Math.min(...due) }) };
  };

  async function collect(events: readonly Event[], how?: Handling): Promise<number> {
    const wanted = events.filter(event => by(event) !== undefined);
    if (wanted.length === 0) return 0;
    // What has expired is not to expire again: `due` is for rows that are new.
    if (how?.replay) {
      const fieldsOfLost = ({ due, ...set }: ReturnType<typeof fieldsOf>) =>
        due === undefined || how.part ? { set } : { set, onInsert: { due } };
      return putBack(store, wanted, event => fieldsOfLost(fieldsOf(event)), how);
    }
    const rows = wanted.map((event): CollectedRow => ({ _id: event.id, ...fieldsOf(event), event }));
    try {
      return (await store.insertMany(rows, { ordered: false })).insertedCount;
    } catch (error) {
      ignoreDuplicates(error);
      return (error as { insertedCount?: number }).insertedCount ?? 0;
    }
  }

  async function decisions(keys: readonly string[]): Promise<Map<string, Event[]>> {
    const keyOf = new Map(keys.flatMap(key => names.map(name => [decisionId(source, key, name), key] as const)));
    const found = await record.find({ _id: { $in: [...keyOf.keys()] } }, { batchSize: keyOf.size + 1 }).toArray();
    return groupBy(
      found.map(({ event }) => event),
      event => keyOf.get(event.id) ?? '',
    );
  }

  /** Emits until nothing more follows: each turn something is decided, and there are only so many decisions. */
  async function evaluate(keys: readonly string[], nowMs?: number): Promise<void> {
    let open = keys;
    for (let turn = 0; open.length > 0 && turn <= names.length; turn++) {
      const rows = await store.find({ key: { $in: [...open] } }).toArray();
      const collected = groupBy(rows, ({ key }) => key);
      const decided = await decisions(open);
      const next = open.map(key => {
        const all = [...(collected.get(key) ?? []).map(({ event }) => event), ...(decided.get(key) ?? [])];
        const events = [...new Map(all.map(event => [event.id, event])).values()];
        return { key, emits: decide({ source, rules }, key, events, nowMs) };
      });
      await outbox.appendDerived(next.flatMap(({ emits }) => emits));
      // Somebody else may have decided otherwise: what follows is read off the record.
      open = next.filter(({ emits }) => emits.length > 0).map(({ key }) => key);
    }
  }

  return {
    collect,
    decisions,
    async handle(events, how) {
      const changed = await collect(events, how);
      // What was decided, or would decide otherwise, may not be among them.
      if (how?.part) return changed;
      const keys = [...new Set(events.flatMap(event => by(event) ?? []))];
      // Also of what is there already: a process may have died before it came to this.
      for (const some of chunk(keys, KEYS_AT_ONCE)) await evaluate(some);
      return changed;
    },
    async expire() {
      for (;;) {
        const nowMs = clock.now();
        const rows = await store
          .find({ due: { $lte: nowMs } })
          .sort({ due: 1 })
          .limit(EXPIRED_AT_ONCE)
          .toArray();
        if (rows.length === 0) return;
        await evaluate([...new Set(rows.map(({ key }) => key))], nowMs);
        await store.updateMany({ _id: { $in: rows.map(({ _id }) => _id) } }, { $unset: { due: '' } });
      }
    },
  };
}
