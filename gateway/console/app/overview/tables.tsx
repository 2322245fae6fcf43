import { Badge } from '../parts/badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { formatCount, formatSeconds } from '../time.ts';
import {
  consumes,
  eventsAddress,
  type Flow,
  faultsAddress,
  formatRate,
  rateFrom,
  rateTo,
  type ServiceHealth,
  type System,
  serviceOf,
} from './facts.ts';
import { Running } from './picture.tsx';
import { Sparkline } from './sparkline.tsx';
import { countOf, isHeld } from './troubles.ts';

/** Each service with what waits for it and in it, and how that has gone in the last minutes. */
export function Services({ system }: { system: System }) {
  const columns: Column<ServiceHealth>[] = [
    {
      head: 'Service',
      heads: true,
      cell: ({ name, running }) => (
        <span class="service-name">
          <Running running={running} />
          <a href={eventsAddress({ source: `/${name}` })}>{name}</a>
          {running === false && (
            <span class="wide">
              <Badge kind="bad">stopped</Badge>
            </span>
          )}
        </span>
      ),
    },
    {
      head: 'Lag, events',
      end: true,
      cell: ({ name, lagEvents }) => (
        <span class="trend">
          <Sparkline of={sample => sample.services[name]?.lagEvents} least={20} />
          <span>{lagEvents === null ? '–' : formatCount(lagEvents)}</span>
        </span>
      ),
    },
    {
      head: 'Lag, time',
      end: true,
      cell: ({ name, lagSeconds }) => (
        <span class="trend">
          <Sparkline of={sample => sample.services[name]?.lagSeconds} least={1} />
          <span>{lagSeconds === null ? '–' : lagSeconds === 0 ? '0 s' : formatSeconds(lagSeconds)}</span>
        </span>
      ),
    },
    {
      head: 'Oldest unsent',
      end: true,
      wide: true,
      cell: service =>
        service.pendingEvents === null ? (
          '–'
        ) : service.pendingEvents === 0 ? (
          <span class="faint">none</span>
        ) : (
          <span class={isHeld(service) ? 'waiting-text' : ''}>
            {formatSeconds(service.oldestPendingSeconds ?? 0)}{' '}
            <span class="faint">of {countOf(service.pendingEvents)}</span>
          </span>
        ),
    },
    {
      head: 'Faults',
      end: true,
      cell: ({ name, faults }) =>
        faults === null ? (
          '–'
        ) : faults === 0 ? (
          <span class="faint">0</span>
        ) : (
          <a class="bad-text" href={faultsAddress(name)}>
            {formatCount(faults)} <span class="unseen">open faults of {name}</span>
          </a>
        ),
    },
    { head: 'In', end: true, wide: true, cell: service => `${formatRate(rateTo(system, service))}/s` },
    {
      head: 'Out',
      end: true,
      wide: true,
      cell: ({ name }) => `${formatRate(rateFrom(system, name))}/s`,
    },
  ];
  return (
    <div class="services">
      <Table caption="Services" columns={columns} rows={system.services} keyOf={({ name }) => name} />
    </div>
  );
}

/** The picture in words. */
export function Flows({ system }: { system: System }) {
  const rows = flowsOf(system);
  const columns: Column<Flow>[] = [
    {
      head: 'Events',
      heads: true,
      cell: ({ type, source }) => <a href={eventsAddress({ type, source })}>{type}</a>,
    },
    { head: 'From', cell: ({ source }) => serviceOf(source) },
    {
      head: 'To',
      cell: ({ type }) =>
        system.services
          .filter(service => consumes(service, type))
          .map(({ name }) => name)
          .join(', ') || 'nobody',
    },
    { head: 'Per second', end: true, cell: ({ eventsPerSecond }) => formatRate(eventsPerSecond) },
    { head: 'Last minute', end: true, wide: true, cell: ({ eventsLastMinute }) => formatCount(eventsLastMinute) },
  ];
  return (
    <Table
      caption="Events by type: where they come from, where they go, and how many"
      columns={columns}
      rows={rows}
      keyOf={({ source, type }) => `${source} ${type}`}
    />
  );
}

/** What flows, and what may: a type of which nothing has come lately stands there with zero. */
export function flowsOf({ services, flows }: Pick<System, 'services' | 'flows'>): Flow[] {
  const announced = services.flatMap(({ name, emits }) =>
    emits.map((type): Flow => {
      const source = `/${name}`;
      const found = flows.find(flow => flow.source === source && flow.type === type);
      return found ?? { source, type, eventsPerSecond: 0, eventsLastMinute: 0 };
    }),
  );
  return [...announced, ...flows.filter(flow => !announced.includes(flow))];
}
