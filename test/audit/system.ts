/** Reads what is shown of the system as a whole. */
import { PAGE_MAX } from '../../schema/paging.ts';
import { OutOfReach } from '../../scripts/demo/client.ts';
import type { AccountEvidence, Outbox, SystemEvidence } from '../invariants.ts';
import type { EvidenceClient, Parts } from './client.ts';
import { collect, MORE, nodesOf, type Page } from './pages.ts';

const VERIFY = 'query Verify { verifyLake { valid events head firstBadPosition } }';
const FAULTS = `query Faults($first: Int!, $after: String) {
  faults(first: $first, after: $after) { nodes { service eventId error state } ${MORE} } }`;
const TYPES = 'query Types { eventTypes { type } }';
const COUNT = 'query Count($types: [String!]!) { events(filter: { types: $types }, first: 1) { totalCount } }';

const COUNTED = ['account-opened', 'deposited', 'withdrawn', 'balance-updated', 'overdrawn'] as const;

/** Events by type, as the services' own records show them. */
export type Counts = Record<(typeof COUNTED)[number], number>;

export const noCounts = (): Counts => ({
  'account-opened': 0,
  deposited: 0,
  withdrawn: 0,
  'balance-updated': 0,
  overdrawn: 0,
});

/** What an account's own records say was emitted, added to what others' do: pure. */
export function plusCounts(counts: Counts, { transactions, ledger }: AccountEvidence): Counts {
  const deposits = transactions.filter(({ type }) => type === 'deposited').length;
  return {
    'account-opened': counts['account-opened'] + 1,
    deposited: counts.deposited + deposits,
    withdrawn: counts.withdrawn + transactions.length - deposits,
    'balance-updated': counts['balance-updated'] + ledger.length,
    overdrawn: counts.overdrawn + ledger.filter(entry => entry.amountMinor < 0 && entry.balanceMinor < 0).length,
  };
}

/** With the lake's head: who has noted it before can tell that nothing up to it was touched. */
export type SystemSeen = SystemEvidence & { verification: { head: string } };

/** @param counts of all accounts. @throws OutOfReach when the lake is too large to be verified within one request. */
export async function systemOf(client: EvidenceClient, counts: Counts): Promise<SystemSeen> {
  const [emitted, faults, parts] = await Promise.all([emittedTypes(client), faultsOf(client), client.parts()]);
  const types = [...new Set([...COUNTED, 'fault', ...emitted])];
  const held = await Promise.all(
    types.map(async type => {
      const { events } = await client.get<{ events: { totalCount: number } }>(COUNT, { types: [type] });
      return [type, events.totalCount] as const;
    }),
  );
  const lakeTypes = Object.fromEntries(held);
  return {
    verification: await verify(client),
    lakeTypes,
    // What services added later emit, and what they have of it, is theirs to show: taken as the lake has it.
    emitted: { ...lakeTypes, ...counts, fault: faults.length },
    outboxes: outboxesIn(parts),
    faults: faults
      .filter(({ state }) => state === 'OPEN')
      .map(({ service, eventId, error }) => ({ service, eventId, error })),
  };
}

async function verify(client: EvidenceClient): Promise<SystemSeen['verification']> {
  try {
    return (await client.once<{ verifyLake: SystemSeen['verification'] }>(VERIFY)).verifyLake;
  } catch (error) {
    if (!(error instanceof OutOfReach)) throw error;
    throw new OutOfReach(`The lake could not be verified within one request: ${error.message}`);
  }
}

/** What services emit, those that were added later among them, or have emitted before they were taken out of the system. */
export async function emittedTypes(client: EvidenceClient): Promise<ReadonlySet<string>> {
  const { eventTypes } = await client.get<{ eventTypes: { type: string }[] }>(TYPES);
  return new Set(eventTypes.map(({ type }) => type));
}

type ShownFault = { service: string; eventId: string; error: string; state: 'OPEN' | 'RESUBMITTED' | 'DISMISSED' };

function faultsOf(client: EvidenceClient): Promise<ShownFault[]> {
  const load = async (after: string | null) =>
    (await client.get<{ faults: Page<ShownFault> }>(FAULTS, { first: PAGE_MAX, after })).faults;
  return collect(nodesOf(load), fault => fault);
}

/** The outboxes that can be seen: an older gateway in a process of its own shows none. */
export const outboxesIn = (parts: Parts): Outbox[] =>
  Object.entries(parts).flatMap(([service, { outbox }]) => (outbox ? [{ service, ...outbox }] : []));
