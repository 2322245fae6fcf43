import { useEffect, useRef, useState } from 'preact/hooks';
import { textOf } from '../failure.ts';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Notice } from '../parts/states.tsx';
import { announce } from '../parts/toast.tsx';
import { formatCount, formatSeconds } from '../time.ts';
import { type Progress, type Verdict, verify } from './verifying.ts';

/** Computes the lake's hash chain anew, with how far that is, and says what has come of it. */
export function Verification() {
  const [progress, setProgress] = useState<(Progress & { from: number }) | undefined>(undefined);
  const [verdict, setVerdict] = useState<Verdict | undefined>(undefined);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const isRunning = progress !== undefined && verdict === undefined;

  async function start(from: number): Promise<void> {
    stop.current = new AbortController();
    const { signal } = stop.current;
    setVerdict(undefined);
    setProgress({ done: from - 1, total: from - 1, seconds: 0, from });
    const found = await verify(from, next => setProgress({ ...next, from }), signal);
    setVerdict(found);
    announce(SAID[found.name]);
  }

  return (
    <Card
      title="Is every event as it was?"
      note="Each event's hash follows from the one before it. Computing them anew finds whatever was changed, removed, inserted or swapped."
      action={
        isRunning ? (
          <Button onClick={() => stop.current.abort()}>Stop</Button>
        ) : (
          <Button kind="primary" icon="integrity" onClick={() => void start(1)}>
            {verdict ? 'Verify again' : 'Verify the lake'}
          </Button>
        )
      }
    >
      {progress === undefined ? (
        <p class="faint">
          Nothing has been verified in this window yet. It only reads, and may run while the system works.
        </p>
      ) : (
        <div class="verification">
          <Bar progress={verdict ?? progress} verdict={verdict} from={progress.from} />
          {verdict && <Outcome verdict={verdict} goOn={() => void start(verdict.done + 1)} />}
        </div>
      )}
    </Card>
  );
}

const SAID: Record<Verdict['name'], string> = {
  sound: 'Every event is as it was.',
  bad: 'The lake is not as it was.',
  stopped: 'Verification stopped.',
  failed: 'Verification could not go on.',
};

function Bar({ progress, verdict, from }: { progress: Progress; verdict: Verdict | undefined; from: number }) {
  const { done, total, seconds } = progress;
  const rate = seconds > 0 ? (done - from + 1) / seconds : 0;
  const left = rate > 0 ? (total - done) / rate : undefined;
  return (
    <div class="advance">
      <progress
        class={verdict?.name ?? 'running'}
        aria-label="Verified"
        max={Math.max(total, 1)}
        value={total === 0 && verdict ? 1 : done}
      />
      <p>
        <span>
          <strong>{formatCount(done)}</strong> of {formatCount(total)} events
        </span>
        {rate > 0 && <span>{formatCount(Math.round(rate))}/s</span>}
        {!verdict && left !== undefined && left >= 1 && <span>about {formatSeconds(Math.ceil(left))} left</span>}
        {verdict && seconds > 0 && <span>in {formatSeconds(seconds)}</span>}
      </p>
    </div>
  );
}

function Outcome({ verdict, goOn }: { verdict: Verdict; goOn: () => void }) {
  switch (verdict.name) {
    case 'sound':
      return (
        <div class="notice good" role="status">
          <div>
            <strong>Every event is as it was.</strong>
            <div>
              {verdict.total === 0
                ? 'The lake is empty, and no checkpoint says that it has ever held anything.'
                : `All ${formatCount(verdict.total)} events follow from one another, and agree with the recorded checkpoints.`}{' '}
              Hash: <span class="mono hash">{verdict.head}</span>
            </div>
          </div>
        </div>
      );
    case 'bad':
      return <Bad position={verdict.position} />;
    case 'stopped':
      return (
        <Notice kind="info" title="Stopped.">
          What was looked at is as it was, up to position {formatCount(verdict.done)}.{' '}
          <Button kind="quiet" onClick={goOn}>
            Go on from there
          </Button>
        </Notice>
      );
    case 'failed':
      return (
        <Notice kind="error" title="It could not go on.">
          {textOf(verdict.failure)} What was looked at is as it was, up to position {formatCount(verdict.done)}.{' '}
          <Button kind="quiet" onClick={goOn}>
            Go on from there
          </Button>
        </Notice>
      );
    default:
      return verdict satisfies never;
  }
}

function Bad({ position }: { position: number }) {
  return (
    <Notice kind="error" title={`The lake is not as it was: it shows at position ${formatCount(position)}.`}>
      <ol class="steps">
        <li>
          Something at this position, or just before it, was changed, removed or put in, by somebody or something with
          access to the lake’s database. What stands before it is as it was.
        </li>
        <li>Leave the database as it is, and make a copy of it: it is the evidence.</li>
        <li>
          Hold an export to the last checkpoint that you kept elsewhere:{' '}
          <code>npm run verify -- checkpoint.json events.ndjson</code> says whether it agrees.
        </li>
        <li>
          The services that emitted the events still have them in their outboxes: compare with a backup, and restore the
          lake from an export that verifies with <code>npm run import -- events.ndjson</code>.
        </li>
      </ol>
    </Notice>
  );
}
