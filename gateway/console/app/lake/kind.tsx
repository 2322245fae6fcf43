import { kindOf } from './writing.ts';

/** A type of event: beside its name a dot whose colour it always has. */
export function Kind({ type }: { type: string }) {
  return (
    <span class="kind">
      <span class={`kind-dot kind-${kindOf(type)}`} aria-hidden="true" />
      <span class="kind-name">{type}</span>
    </span>
  );
}
