/** Reads every transfer, and what the lake has of it. */
import { PAGE_MAX } from '../../schema/paging.ts';
import type { TransferEvidence } from '../invariants.ts';
import type { EvidenceClient } from './client.ts';
import { MORE, nodesOf, type Page } from './pages.ts';

type Shown = { id: string; amount: number; status: string; from: { id: string }; to: { id: string } };
type Moved = { type: string; subject: string | null; data: { amountMinor?: number; transferId?: string } | null };

const TRANSFERS = `query Transfers($first: Int!, $after: String) {
  transfers(first: $first, after: $after) { nodes { id amount status from { id } to { id } } ${MORE} } }`;
// No transfer has more than four transactions, right or wrong, before something else is noticed to be wrong as well.
const MOVES = `query Moves($id: ID!, $types: [String!]!) {
  events(filter: { correlationId: $id, types: $types }, first: ${PAGE_MAX}) { nodes { type subject data } } }`;
const TYPES = ['deposited', 'withdrawn'];
const IN_FLIGHT = 4;

/** Every transfer, newest first; no more than a few are read at one time. */
export async function* transfersOf(client: EvidenceClient): AsyncGenerator<TransferEvidence> {
  const reading: Promise<TransferEvidence>[] = [];
  const load = async (after: string | null) =>
    (await client.get<{ transfers: Page<Shown> }>(TRANSFERS, { first: PAGE_MAX, after })).transfers;
  for await (const shown of nodesOf(load)) {
    const transfer = withMoves(client, shown);
    // Who waits for an earlier one hears of this failure when its turn comes.
    transfer.catch(() => undefined);
    reading.push(transfer);
    const [first] = reading;
    if (!first || reading.length < IN_FLIGHT) continue;
    reading.shift();
    yield await first;
  }
  for (const transfer of reading) yield await transfer;
}

async function withMoves(client: EvidenceClient, { id, amount, status, from, to }: Shown): Promise<TransferEvidence> {
  const { events } = await client.get<{ events: { nodes: Moved[] } }>(MOVES, { id, types: TYPES });
  return {
    ...{ id, from: from.id, to: to.id, amountMinor: amount, status },
    moves: events.nodes
      .filter(({ data }) => data?.transferId === id)
      .map(({ type, subject, data }) => ({ type, account: subject ?? '', amountMinor: data?.amountMinor ?? 0 })),
  };
}
