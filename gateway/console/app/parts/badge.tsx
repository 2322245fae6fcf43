import type { ComponentChildren } from 'preact';

export type BadgeKind = 'good' | 'waiting' | 'bad' | 'plain' | 'info';

/** A short word about a state. */
export function Badge({ kind, children }: { kind: BadgeKind; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}
