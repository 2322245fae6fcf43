import { conditionsOf, FILTER_LABELS, filterFrom } from '../lake/filter.ts';
import { Card } from '../parts/card.tsx';
import { Time } from '../parts/time.tsx';
import { addressOf } from '../router.ts';
import { formatCount, formatSeconds, formatTime } from '../time.ts';
import { MODES, type Replay } from './facts.ts';

/** What a replay was asked for, by whom, when and why. */
export function Details({ replay }: { replay: Replay }) {
  const { id, service, mode, ratePerSecond, requestedBy, reason, createdAt, finishedAt } = replay;
  const tookSeconds = finishedAt === null ? undefined : (Date.parse(finishedAt) - Date.parse(createdAt)) / 1_000;
  return (
    <Card title="What was asked for">
      <dl class="sheet">
        <dt>Service</dt>
        <dd>{service}</dd>
        <dt>Mode</dt>
        <dd>
          {MODES[mode].label}
          <p class="hint">{MODES[mode].text}</p>
        </dd>
        <dt>Events</dt>
        <dd>
          <Selection replay={replay} />
        </dd>
        <dt>Speed</dt>
        <dd>
          {ratePerSecond === null ? 'As fast as the service takes them' : `${formatCount(ratePerSecond)} a second`}
        </dd>
        <dt>Why</dt>
        <dd class="said">{reason ?? <span class="faint">No reason was given</span>}</dd>
        <dt>Who</dt>
        <dd>{requestedBy}</dd>
        <dt>When</dt>
        <dd>
          <Time at={createdAt} as="full" />
        </dd>
        {finishedAt !== null && tookSeconds !== undefined && (
          <>
            <dt>Ended</dt>
            <dd>
              <Time at={finishedAt} as="full" />
              {tookSeconds > 0 && <span class="faint"> · after {formatSeconds(tookSeconds)}</span>}
            </dd>
          </>
        )}
        <dt>Id</dt>
        <dd class="mono">{id}</dd>
      </dl>
    </Card>
  );
}

/** The filter of a replay in words, with a way to the events. */
export function Selection({ replay: { filter } }: { replay: Pick<Replay, 'filter'> }) {
  const given = filterFrom(filter);
  const conditions = conditionsOf(given);
  if (conditions.length === 0) return <>All that the service consumes</>;
  const { types, subject, source, correlation, from, to } = given;
  return (
    <>
      <ul class="selection">
        {conditions.map(({ name, value }) => (
          <li key={`${name} ${value}`}>
            <span class="faint">{FILTER_LABELS[name]}</span>{' '}
            <span class="mono">{name === 'from' || name === 'to' ? formatTime(value) : value}</span>
          </li>
        ))}
      </ul>
      <a href={addressOf('events', undefined, { types: types.join(' '), subject, source, correlation, from, to })}>
        Look at them
      </a>
    </>
  );
}
