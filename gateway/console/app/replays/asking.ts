/** What the replays' pages ask for. */
import { gql } from '../client.ts';
import { REPLAY_FIELDS, type Replay, type ReplayInput } from './facts.ts';

type Page = { nodes: Replay[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

export const REPLAYS = gql<{ replays: Page }, { first: number; after: string | null }>(/* GraphQL */ `
  query Replays($first: Int!, $after: String) {
    replays(first: $first, after: $after) { nodes { ${REPLAY_FIELDS} } pageInfo { hasNextPage endCursor } }
  }
`);

/** Others start replays too, and reconciliations come round by themselves. */
export const REPLAYS_AGAIN_MS = 5_000;

export const REPLAY = gql<{ replay: Replay | null }, { id: string }>(/* GraphQL */ `
  query Replay($id: ID!) { replay(id: $id) { ${REPLAY_FIELDS} } }
`);

/** How fast replays were: what the time of the next is estimated from. */
export const SPEEDS = gql<{
  replays: { nodes: Pick<Replay, 'service' | 'mode' | 'eventsPerSecond' | 'status' | 'applied' | 'ratePerSecond'>[] };
}>(/* GraphQL */ `
  query ReplaySpeeds {
    replays(first: 100) { nodes { service mode eventsPerSecond status applied ratePerSecond } }
  }
`);

export const REPLAYED_SERVICES = gql<{ services: { name: string; consumes: string[] }[] }>(/* GraphQL */ `
  query ReplayedServices { services { name consumes } }
`);

export const START = gql<{ replay: Replay }, { input: ReplayInput }>(/* GraphQL */ `
  mutation StartReplay($input: ReplayInput!) { replay(input: $input) { ${REPLAY_FIELDS} } }
`);

export const CANCEL = gql<{ cancelReplay: Replay }, { id: string }>(/* GraphQL */ `
  mutation CancelReplay($id: ID!) { cancelReplay(id: $id) { ${REPLAY_FIELDS} } }
`);

export const PROGRESS = gql<{ replayProgress: Replay }, { id: string }>(/* GraphQL */ `
  subscription ReplayProgress($id: ID!) { replayProgress(id: $id) { ${REPLAY_FIELDS} } }
`);
