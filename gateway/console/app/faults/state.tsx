import { Badge } from '../parts/badge.tsx';
import type { FaultState } from './facts.ts';

/** How a fault stands. */
export function StateBadge({ state }: { state: FaultState }) {
  if (state === 'OPEN') return <Badge kind="bad">Open</Badge>;
  return <Badge kind="info">{state === 'RESUBMITTED' ? 'Resubmitted' : 'Dismissed'}</Badge>;
}
