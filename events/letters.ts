/** What goes where: pure. */
import { type Binding, EVERY_TYPE, wants } from './binding.ts';
import type { Event } from './event.ts';
import { chunk, groupBy } from './group.ts';
import { partitionOf } from './partition.ts';
import type { Letter } from './transport.ts';

/** Whether nobody waits for what this service makes of such an event. */
export function canWait({ unhurried = [] }: Pick<Binding, 'unhurried'>, type: string): boolean {
  return unhurried.includes(type) || unhurried.includes(EVERY_TYPE);
}

/** Who gets what, and who waits for it: two of these are the same text while nothing of that has changed. */
export function consumersOf(bindings: readonly Binding[]): string {
  return JSON.stringify(
    bindings.map(({ _id, consumes, unhurried, ofOthers }) => [_id, consumes, unhurried ?? [], ofOthers ?? []]),
  );
}

/**
 * The jobs for some events: for each consumer and partition, the events it wants, in order, at most `jobMax` a job.
 *
 * @param bindings with the number of partitions that each has now.
 * @param isFor leaves out, for a consumer, what it has already or will get later. Default nothing.
 */
export function lettersFor(
  source: string,
  events: readonly Event[],
  bindings: readonly Binding[],
  jobMax: number,
  isFor: (binding: Binding, event: Event) => boolean = () => true,
): Letter[] {
  return bindings.flatMap(binding => {
    const wanted = events.filter(event => wants(binding, event.type, source) && isFor(binding, event));
    const partitions = groupBy(wanted, event => partitionOf(event, binding.partitions));
    return [...partitions].flatMap(([partition, group]) =>
      chunk(group, jobMax).map(some => ({ service: binding._id, partition, source, events: some })),
    );
  });
}
