/** What the subscribers are put in front of. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerName } from '../peers.ts';
import { type Peer, type PeerOptions, startPeer } from '../peers.ts';
import { control, type Subgraphs } from '../subgraphs.ts';

/** `direct` is the subgraph itself, without a gateway. */
export const TARGETS = [
  'direct',
  'tributary',
  'tributary-in-process',
  'grafbase',
  'hive-rust',
  'hive',
] as const satisfies readonly (PeerName | 'direct')[];
export type TargetName = (typeof TARGETS)[number];

export type Target = Pick<Peer, 'url' | 'wsUrl' | 'controlUrl' | 'pids' | 'stop'> & {
  name: TargetName;
  /** The processes behind it. */
  subgraphPids: readonly number[];
  /** What subscribers select of the account. */
  selection: string;
};

const BALANCE = 'balance { version emittedAt }';
/** What only another subgraph has, and the subgraph itself cannot be asked. */
const LEDGER = 'ledger(first: 1) { nodes { version } }';
const LEFT_WITHIN_MS = 30_000;

/** Starts the gateway of this name in front of the subgraphs. */
export async function startTarget(
  name: TargetName,
  options: { subgraphs: Subgraphs; accounts: number },
): Promise<Target> {
  const { subgraphs } = options;
  if (name === 'direct') return directly(subgraphs);
  const peer = await startPeer(name, options satisfies PeerOptions);
  const inside = name === 'tributary-in-process';
  return {
    ...{ ...peer, name, subgraphPids: inside ? [] : subgraphs.pids },
    selection: `{ ${BALANCE} ${LEDGER} }`,
  };
}

const directly = ({ urls, controlUrl, pids }: Subgraphs): Target => ({
  ...{ name: 'direct', url: urls.account, wsUrl: urls.account.replace('http', 'ws'), controlUrl },
  // The other one has nothing to do.
  ...{ pids: pids.slice(0, 1), subgraphPids: [] },
  selection: `{ ${BALANCE} }`,
  stop: async () => undefined,
});

/** Waits until nobody watches at the subgraph. @throws when somebody stays. */
export async function left({ name, controlUrl }: Target): Promise<void> {
  for (const endMs = performance.now() + LEFT_WITHIN_MS; ; await delay(50)) {
    const { watchers } = await control(controlUrl);
    if (watchers === 0) return;
    if (performance.now() > endMs) throw new Error(`${name} still watches ${watchers} accounts though nobody asks`);
  }
}
