/** What came of a replay, or what would come of it. */
import type { ComponentChildren } from 'preact';
import { Card } from '../parts/card.tsx';
import { Notice } from '../parts/states.tsx';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';
import { aboutSeconds, counted, paramsOfWish, type Replay, wishFrom } from './facts.ts';

/** Numbers side by side, each with what it counts. */
export function Tiles({ tiles }: { tiles: { label: string; value: ComponentChildren; note?: string }[] }) {
  return (
    <dl class="tiles">
      {tiles.map(({ label, value, note }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            <span class="tile-value">{value}</span>
            {note && <span class="tile-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What a dry run has found: `12,402 events, 310 accounts, about 40 s`. */
export function Forecast({ replay, seconds }: { replay: Replay; seconds: number | undefined }) {
  const { total, subjects, differences, mode } = replay;
  const words = [
    counted(total, 'event'),
    ...(subjects === null ? [] : [counted(subjects, 'account')]),
    ...(seconds === undefined ? [] : [aboutSeconds(seconds)]),
  ];
  return (
    <Card title="What it would do" note="Nothing was sent, and nothing was changed.">
      <p class="forecast">{words.join(', ')}</p>
      {seconds === undefined && (
        <p class="hint">How long it takes is not known yet: no replay of this service was long enough to tell.</p>
      )}
      {subjects === null && <p class="hint">There are too many events to count their accounts in a moment.</p>}
      {mode === 'REPAIR' ? (
        <p class="hint">What a repair changes is known only when it is done: the service takes what it lacks.</p>
      ) : (
        <Differences differences={differences ?? 0} subjects={replay.differingSubjects} would />
      )}
    </Card>
  );
}

/** What a completed replay has done. */
export function Outcome({ replay }: { replay: Replay }) {
  const { applied, differences, differingSubjects, eventsPerSecond } = replay;
  return (
    <Card title="What it did">
      <Tiles
        tiles={[
          { label: 'Events applied', value: formatCount(applied) },
          { label: 'Rows changed', value: formatCount(differences ?? 0) },
          ...(eventsPerSecond ? [{ label: 'Events a second', value: formatCount(Math.round(eventsPerSecond)) }] : []),
        ]}
      />
      <Differences differences={differences ?? 0} subjects={differingSubjects} />
    </Card>
  );
}

const SUBJECTS_SHOWN = 100;

function Differences({
  differences,
  subjects,
  would = false,
}: {
  differences: number;
  subjects: readonly string[];
  would?: boolean;
}) {
  if (differences === 0) {
    return (
      <Notice kind="info" title={would ? 'Nothing differs.' : 'Nothing differed.'}>
        {would ? 'The data of the service are what the lake says they are.' : 'The data were already as the lake says.'}
      </Notice>
    );
  }
  return (
    <>
      <p>
        <strong>{counted(differences, 'row')}</strong> {would ? 'would change' : 'changed'}
        {subjects.length > 0 && <>, of {subjects.length >= SUBJECTS_SHOWN ? 'these and other' : 'these'} accounts:</>}
      </p>
      {subjects.length > 0 && (
        <ul class="subjects">
          {subjects.map(subject => (
            <li key={subject}>
              <a class="mono" href={addressOf('accounts', subject)}>
                {subject}
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** What to do after a replay that did not come to its end. */
export function Unfinished({ replay }: { replay: Replay }) {
  const { status, error, mode, applied, dryRun } = replay;
  const again = <a href={addressOf('replays', 'new', paramsOfWish(wishFrom(replay)))}>Prepare it again</a>;
  const kept = dryRun
    ? 'Nothing was changed: it was a dry run.'
    : mode === 'REPAIR'
      ? `${counted(applied, 'event')} had been applied, and stay so. To send them once more does no harm.`
      : 'The service goes on with the data that it had, unless the new ones were in their place already.';
  if (status === 'CANCELLED') {
    return (
      <Notice title="It was cancelled.">
        {kept} {again}
      </Notice>
    );
  }
  return (
    <Notice kind="error" title="It failed.">
      <p class="said">{error ? sentence(error) : 'No error was recorded.'}</p>
      <p>
        {kept} {adviceFor(error ?? '')} {again}
      </p>
    </Notice>
  );
}

const sentence = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

function adviceFor(error: string): string {
  if (/nothing to return to/.test(error)) return 'Rebuild the service instead.';
  return 'See whether the service runs and has faults, then try again.';
}
