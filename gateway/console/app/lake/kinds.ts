import { gql } from '../client.ts';
import { useQuery } from '../query.ts';

export const EVENT_TYPES = gql<{ services: { consumes: string[]; emits: string[] }[] }>(/* GraphQL */ `
  query EventTypes { services { consumes emits } }
`);

/** Every type that a service says it emits or consumes. */
export function useEventTypes(): string[] {
  const { data } = useQuery(EVENT_TYPES, {});
  const all = data?.services.flatMap(({ consumes, emits }) => [...emits, ...consumes]) ?? [];
  // "*" is whoever consumes everything.
  return [...new Set(all)].filter(type => type !== '*').sort();
}
