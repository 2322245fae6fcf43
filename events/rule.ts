/**
 * Rules: what a service does with the events that it consumes, and how they are read for it. Nothing here knows of queues: the consumer
 * hands over what happens, a replay what has happened, a test what it likes.
 */
import { type Contract, readEvent } from './contract.ts';
import { type Event, parseEnvelope } from './event.ts';

/** What a service does with the events of some types. Rules run in their order, each with its part of the batch. */
export type Rule = {
  /** The contracts to read by, or 'everything': whatever is an event, known or not, as it came. */
  on: readonly Contract[] | 'everything';
  /**
   * Must be idempotent and must not care about order: any permutation, duplication or re-batching is the same.
   *
   * @returns how many rows it has changed, for whoever replays; nothing is as good as 0.
   */
  handle(events: Event[], how?: Handling): Promise<Changed>;
};

/** How many rows were changed; nothing is as good as 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: most rules have nothing to say, and should not have to say so.
export type Changed = number | void;

/** Where events come from, for rules to which it makes a difference. */
export type Handling = {
  /**
   * Some of the events come from the lake once more, to repair the service: what it holds in memory may not be what it
   * has stored. A service with outward effects has had them already.
   */
  replay: boolean;
  /** The replay that they belong to: what it has looked at once it need not look at again. */
  replayId?: string;
  /** Only some of the lake comes: what is missed may be there, so that nothing may be decided because it is missed. */
  part?: true;
  /** They come from the lake for a copy. One that is only a trial may look at what is served beside it and not change it. */
  rebuild?: 'copy' | 'trial';
};

/** A rule whose handler knows the shape of what it gets: the consumer reads events through these contracts first. */
export function rule<Data>(
  on: readonly Contract<Data>[],
  handle: (events: Event<Data>[], how?: Handling) => Promise<Changed>,
): Rule {
  return { on, handle: (events, how) => handle(events as Event<Data>[], how) };
}

/** Hands each rule the events of its types. @returns how many rows they have changed. */
export async function applyRules(rules: readonly Rule[], events: readonly Event[], how?: Handling): Promise<number> {
  let changed = 0;
  for (const { on, handle } of rules) {
    const wanted =
      on === 'everything' ? [...events] : events.filter(({ type }) => on.some(contract => contract.type === type));
    if (wanted.length > 0) changed += (await handle(wanted, how)) ?? 0;
  }
  return changed;
}

/** @throws when it is no event, or breaks the contract of its type. */
export function readThrough(rules: readonly Rule[], original: unknown): Event {
  const event = parseEnvelope(original);
  const contract = contractsOf(rules).get(event.type);
  return contract ? readEvent(contract, event) : event;
}

/** Asked for each event, and the same for as long as the rules are. */
const known = new WeakMap<readonly Rule[], ReadonlyMap<string, Contract>>();

function contractsOf(rules: readonly Rule[]): ReadonlyMap<string, Contract> {
  const before = known.get(rules);
  if (before) return before;
  // Of several of one type the first stands.
  const all = rules.flatMap(({ on }) => (on === 'everything' ? [] : on)).reverse();
  const contracts = new Map(all.map(contract => [contract.type, contract]));
  known.set(rules, contracts);
  return contracts;
}
