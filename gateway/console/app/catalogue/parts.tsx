import { useState } from 'preact/hooks';
import { eventsAddress, formatRate } from '../overview/facts.ts';
import { useSubscription } from '../query.ts';
import { formatCount } from '../time.ts';
import { type EventType, type Flows, RATES, rateOf } from './facts.ts';

/** What flows, as it changes; undefined until that is known, and when it cannot be. */
export function useFlows(): Flows | undefined {
  const [flows, setFlows] = useState<Flows | undefined>(undefined);
  useSubscription(RATES, {}, ({ systemChanged }) => setFlows(systemChanged.flows));
  return flows;
}

/** Services by name, each with the way to what it has emitted, where it is about that. */
export function Names({ of, link }: { of: readonly string[]; link?: Pick<EventType, 'type'> }) {
  if (of.length === 0) return <span class="faint">nobody</span>;
  return (
    <span class="names">
      {of.map(name => (
        <span key={name} class="name">
          {link ? <a href={eventsAddress({ source: `/${name}`, type: link.type })}>{name}</a> : name}
        </span>
      ))}
    </span>
  );
}

export function PerSecond({ flows, type }: { flows: Flows | undefined; type: string }) {
  const rate = rateOf(flows, type);
  if (!rate) return <span class="faint">–</span>;
  return <span class={rate.perSecond === 0 ? 'faint' : undefined}>{formatRate(rate.perSecond)}</span>;
}

export function LastMinute({ flows, type }: { flows: Flows | undefined; type: string }) {
  const rate = rateOf(flows, type);
  if (!rate) return <span class="faint">–</span>;
  return <span class={rate.lastMinute === 0 ? 'faint' : undefined}>{formatCount(rate.lastMinute)}</span>;
}
