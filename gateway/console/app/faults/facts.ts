/** Faults as their pages show them. */
import { type DataOf, gql } from '../client.ts';

export type FaultRow = {
  id: string;
  service: string;
  error: string;
  eventId: string;
  time: string;
  deliveries: number;
  resubmittedAt: string | null;
  eventType: string | null;
  subject: string | null;
  /** Null where the lake has no such event. */
  event: { id: string } | null;
};

type PageInfo = { hasNextPage: boolean; endCursor: string | null };
export type FaultFilter = { service: string | null; resubmitted: boolean | null };

export const FAULTS = gql<
  { faults: { nodes: FaultRow[]; pageInfo: PageInfo }; services: { name: string; faults: number }[] },
  FaultFilter & { first: number; after: string | null }
>(/* GraphQL */ `
  query Faults($first: Int!, $after: String, $service: String, $resubmitted: Boolean) {
    faults(first: $first, after: $after, service: $service, resubmitted: $resubmitted) {
      nodes { id service error eventId eventType subject time deliveries resubmittedAt event { id } }
      pageInfo { hasNextPage endCursor }
    }
    services { name faults }
  }
`);

export const FAULT = gql<{ fault: (FaultRow & { original: unknown }) | null }, { id: string }>(/* GraphQL */ `
  query Fault($id: ID!) {
    fault(id: $id) {
      id service error eventId eventType subject time deliveries resubmittedAt original
      event { id }
    }
  }
`);

export type Fault = NonNullable<DataOf<typeof FAULT>['fault']>;

export const OPEN_FAULTS = gql<
  { faults: { nodes: { id: string }[]; pageInfo: PageInfo } },
  { first: number; after: string | null; service: string | null }
>(/* GraphQL */ `
  query OpenFaults($first: Int!, $after: String, $service: String) {
    faults(first: $first, after: $after, service: $service, resubmitted: false) {
      nodes { id }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const RESUBMIT = gql<{ resubmit: { id: string }[] }, { ids: string[] }>(/* GraphQL */ `
  mutation Resubmit($ids: [ID!]!) { resubmit(faultIds: $ids) { id } }
`);

/** The error without what names the event, which stands beside it. */
export function briefOf({ error, eventId }: Pick<FaultRow, 'error' | 'eventId'>): string {
  const at = error.indexOf(`${eventId}: `);
  const brief = at === -1 ? error : error.slice(at + eventId.length + 2);
  // Zod marks each of its findings.
  return brief.replaceAll(/✖|\s+/g, ' ').replaceAll(/ +/g, ' ').trim() || 'The service gave no message.';
}

/** The beginning of an id, for lists: enough to tell two apart. */
export const shortOf = (id: string): string => (id.length > 13 ? `${id.slice(0, 8)}…` : id);

/** How a fault stands, as the address says it. */
export type State = 'open' | 'resubmitted' | 'all';
export const STATES: readonly { state: State; label: string; resubmitted: boolean | null }[] = [
  { state: 'open', label: 'Open', resubmitted: false },
  { state: 'resubmitted', label: 'Resubmitted', resubmitted: true },
  { state: 'all', label: 'All', resubmitted: null },
];
