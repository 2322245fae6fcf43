import { useEffect, useRef, useState } from 'preact/hooks';
import { formatCount, formatSeconds } from '../time.ts';
import { eventsAddress, formatRate, QUEUES, type ServiceHealth, type System } from './facts.ts';
import { type Box, pictureOf } from './layout.ts';
import { countOf, isHeld } from './troubles.ts';

/** Of the narrowest phone: 320 pixels without what is around it. */
const WIDTH_MIN = 268;

/**
 * The way of the events as a picture: lines are as thick as what flows along them. The boxes are links that can be read; the table
 * beside it says the same.
 */
export function Picture({ system }: { system: System }) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const sizes = new ResizeObserver(() => setWidth(element.clientWidth));
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  const picture = pictureOf(system.services, system.flows, Math.max(width, WIDTH_MIN));
  return (
    <div ref={place} class="course">
      {width > 0 && (
        <div class="course-canvas" style={{ height: `${picture.height}px` }}>
          <svg
            class="course-lines"
            viewBox={`0 0 ${picture.width} ${picture.height}`}
            width={picture.width}
            height={picture.height}
            aria-hidden="true"
          >
            {picture.links.map(({ key, path, rate, thickness }) => (
              <path key={key} d={path} class={rate > 0 ? 'flowing' : ''} stroke-width={thickness} />
            ))}
          </svg>
          <ul aria-label="Services that emit events">
            {picture.emitters.map(({ service, rate, ...box }) => (
              <li key={service.name} style={placeOf(box)}>
                <Emitter service={service} rate={rate} />
              </li>
            ))}
          </ul>
          <ul aria-label="Types of events">
            {picture.types.map(({ type, rate, ...box }) => (
              <li key={type} style={placeOf(box)}>
                <a class={`course-type ${rate > 0 ? 'flowing' : ''}`} href={eventsAddress({ type })}>
                  <span>{type}</span>
                  <span class="course-rate">{formatRate(rate)}/s</span>
                </a>
              </li>
            ))}
          </ul>
          <ul aria-label="Services that consume events">
            {picture.consumers.map(({ service, rate, ...box }) => (
              <li key={service.name} style={placeOf(box)}>
                <Consumer service={service} rate={rate} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

const placeOf = ({ x, y, width, height }: Box) => ({
  left: `${x}px`,
  top: `${y}px`,
  width: `${width}px`,
  height: `${height}px`,
});

function Emitter({ service, rate }: { service: ServiceHealth; rate: number }) {
  const { name, pendingEvents, oldestPendingSeconds } = service;
  return (
    <a class="course-service" href={eventsAddress({ source: `/${name}` })}>
      <span class="course-name">
        <Running running={service.running} />
        <span>{name}</span>
        <span class="course-rate">{formatRate(rate)}/s</span>
      </span>
      {pendingEvents ? (
        <span class={`course-state ${isHeld(service) ? 'waiting' : ''}`}>
          {countOf(pendingEvents)} in outbox, {formatSeconds(oldestPendingSeconds ?? 0)}
        </span>
      ) : (
        <span class="course-state">{pendingEvents === 0 ? 'outbox empty' : 'outbox not known'}</span>
      )}
    </a>
  );
}

function Consumer({ service, rate }: { service: ServiceHealth; rate: number }) {
  const { name, lagEvents, lagSeconds } = service;
  return (
    <a class="course-service" href={QUEUES}>
      <span class="course-name">
        <Running running={service.running} />
        <span>{name}</span>
        <span class="course-rate">{formatRate(rate)}/s</span>
      </span>
      {lagEvents ? (
        <span class={`course-state ${service.running === false ? 'bad' : ''}`}>
          {formatCount(lagEvents)} waiting, {formatSeconds(lagSeconds ?? 0)}
        </span>
      ) : (
        <span class="course-state">{lagEvents === 0 ? 'nothing waits' : 'lag not known'}</span>
      )}
    </a>
  );
}

/** Whether a service runs: a dot with words for those who cannot see it. */
export function Running({ running }: Pick<ServiceHealth, 'running'>) {
  const [kind, words] = running === null ? ['', 'not known'] : running ? ['good', 'runs'] : ['bad', 'does not run'];
  return (
    <span class={`lamp ${kind}`} title={words}>
      <span class="unseen">{words}: </span>
    </span>
  );
}
