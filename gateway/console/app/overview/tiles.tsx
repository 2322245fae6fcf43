import type { ComponentChildren } from 'preact';
import { formatCount, formatSeconds } from '../time.ts';
import {
  eventsAddress,
  faultsAddress,
  formatRate,
  formatRoundTrip,
  QUEUES,
  rateOf,
  type Server,
  type System,
  serverName,
} from './facts.ts';
import type { Sample } from './history.ts';
import { Sparkline } from './sparkline.tsx';
import { countOf, isHeld } from './troubles.ts';

/** The few numbers that tell at a glance how the system is. */
export function Tiles({ system }: { system: System }) {
  return (
    <ul class="gauges">
      <Tile label="Events" to={eventsAddress({})} note={<Held events={system.events} />}>
        {formatRate(rateOf(system))}
        <small>/s</small>
        <Sparkline of={sample => sample.eventsPerSecond} least={5} />
      </Tile>
      <LagTile system={system} />
      <PendingTile system={system} />
      <FaultsTile system={system} />
      {system.servers.map(server => (
        <ServerTile key={server.name} server={server} />
      ))}
    </ul>
  );
}

type TileProps = {
  label: string;
  note: ComponentChildren;
  to?: string;
  kind?: 'plain' | 'waiting' | 'bad' | 'good';
  children: ComponentChildren;
};

function Tile({ label, note, to, kind = 'plain', children }: TileProps) {
  const inside = (
    <>
      <span class="gauge-label">{label}</span>
      <span class="gauge-value">{children}</span>
      <span class="gauge-note">{note}</span>
    </>
  );
  return <li class={`gauge ${kind}`}>{to ? <a href={to}>{inside}</a> : <div>{inside}</div>}</li>;
}

const Held = ({ events }: Pick<System, 'events'>) => (
  <>{events === null ? 'the lake cannot be asked' : `${formatCount(events)} in the lake`}</>
);

function LagTile({ system: { services } }: { system: System }) {
  const known = services.flatMap(({ name, lagEvents, lagSeconds }) =>
    lagEvents === null ? [] : [{ name, lagEvents, lagSeconds: lagSeconds ?? 0 }],
  );
  const [worst] = known.sort((a, b) => b.lagSeconds - a.lagSeconds || b.lagEvents - a.lagEvents);
  const events = worst?.lagEvents ?? 0;
  return (
    <Tile
      label="Largest lag"
      to={QUEUES}
      note={!worst ? 'not known just now' : events === 0 ? 'nothing waits' : `${formatCount(events)} for ${worst.name}`}
    >
      {!worst ? '–' : events === 0 ? '0 s' : formatSeconds(worst.lagSeconds)}
      <Sparkline of={sample => sample.lagEvents} least={20} />
    </Tile>
  );
}

function PendingTile({ system: { services } }: { system: System }) {
  const waiting = services.filter(({ pendingEvents }) => pendingEvents);
  const [oldest] = [...waiting].sort((a, b) => (b.oldestPendingSeconds ?? 0) - (a.oldestPendingSeconds ?? 0));
  const isKnown = services.some(({ pendingEvents }) => pendingEvents !== null);
  return (
    <Tile
      label="Oldest unsent"
      kind={oldest && isHeld(oldest) ? 'waiting' : 'plain'}
      {...(oldest && { to: eventsAddress({ source: `/${oldest.name}` }) })}
      note={
        oldest ? `${countOf(oldest.pendingEvents ?? 0)} of ${oldest.name}` : isKnown ? 'all are sent on' : 'not known'
      }
    >
      {oldest ? formatSeconds(oldest.oldestPendingSeconds ?? 0) : isKnown ? 'none' : '–'}
    </Tile>
  );
}

function FaultsTile({ system: { services } }: { system: System }) {
  const known = services.flatMap(({ name, faults }) => (faults === null ? [] : [{ name, faults }]));
  const count = known.reduce((all, { faults }) => all + faults, 0);
  const names = known.filter(({ faults }) => faults > 0).map(({ name }) => name);
  return (
    <Tile
      label="Open faults"
      to={faultsAddress()}
      kind={count > 0 ? 'bad' : 'plain'}
      note={known.length === 0 ? 'not known' : count === 0 ? 'none set aside' : `of ${names.join(', ')}`}
    >
      {known.length === 0 ? '–' : formatCount(count)}
    </Tile>
  );
}

const TRIPS: Record<string, (sample: Sample) => number | null> = {
  mongodb: ({ mongodbMs }) => mongodbMs,
  redis: ({ redisMs }) => redisMs,
};

function ServerTile({ server: { name, state, roundTripMs } }: { server: Server }) {
  const down = state === 'DOWN';
  return (
    <Tile
      label={serverName(name)}
      kind={down ? 'bad' : 'plain'}
      note={down ? 'does not answer' : 'there and back'}
      {...(name === 'redis' && { to: QUEUES })}
    >
      {down || roundTripMs === null ? 'down' : formatRoundTrip(roundTripMs)}
      <Sparkline of={TRIPS[name] ?? (() => null)} least={10} />
    </Tile>
  );
}
