/** Faults as their pages show them. */
import { type DataOf, gql } from '../client.ts';

export type FaultRow = {
  id: string;
  service: string;
  error: string;
  eventId: string;
  time: string;
  deliveries: number;
  state: FaultState;
  eventType: string | null;
  subject: string | null;
  /** Null where the lake has no such event. */
  event: { id: string } | null;
};

type PageInfo = { hasNextPage: boolean; endCursor: string | null };
export type FaultState = 'OPEN' | 'RESUBMITTED' | 'DISMISSED';
export type FaultFilter = { service: string | null; state: FaultState | null };

export const FAULTS = gql<
  { faults: { nodes: FaultRow[]; pageInfo: PageInfo }; services: { name: string; faults: number }[] },
  FaultFilter & { first: number; after: string | null }
>(/* GraphQL */ `
  query Faults($first: Int!, $after: String, $service: String, $state: FaultState) {
    faults(first: $first, after: $after, service: $service, state: $state) {
      nodes { id service error eventId eventType subject time deliveries state event { id } }
      pageInfo { hasNextPage endCursor }
    }
    services { name faults }
  }
`);

export const FAULT = gql<
  {
    fault:
      | (FaultRow & {
          original: unknown;
          resubmittedAt: string | null;
          dismissal: { by: string; at: string; reason: string } | null;
        })
      | null;
  },
  { id: string }
>(/* GraphQL */ `
  query Fault($id: ID!) {
    fault(id: $id) {
      id service error eventId eventType subject time deliveries state original
      resubmittedAt
      dismissal { by at reason }
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
    faults(first: $first, after: $after, service: $service, state: OPEN) {
      nodes { id }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const RESUBMIT = gql<{ resubmit: { id: string }[] }, { ids: string[] }>(/* GraphQL */ `
  mutation Resubmit($ids: [ID!]!) { resubmit(faultIds: $ids) { id } }
`);

export const DISMISS = gql<{ dismiss: { id: string }[] }, { ids: string[]; reason: string }>(/* GraphQL */ `
  mutation Dismiss($ids: [ID!]!, $reason: String!) { dismiss(faultIds: $ids, reason: $reason) { id } }
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
export type Shown = 'open' | 'resubmitted' | 'dismissed' | 'all';
export const STATES: readonly { shown: Shown; label: string; state: FaultState | null }[] = [
  { shown: 'open', label: 'Open', state: 'OPEN' },
  { shown: 'resubmitted', label: 'Resubmitted', state: 'RESUBMITTED' },
  { shown: 'dismissed', label: 'Dismissed', state: 'DISMISSED' },
  { shown: 'all', label: 'All', state: null },
];
