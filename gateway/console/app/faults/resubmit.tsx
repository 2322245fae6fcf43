import { useEffect, useRef, useState } from 'preact/hooks';
import { asFailure, textOf } from '../failure.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Notice } from '../parts/states.tsx';
import { formatCount } from '../time.ts';
import { type Chosen, resubmitAll } from './resubmission.ts';

type Step =
  | { name: 'asked' }
  | { name: 'sending'; sent: number }
  | { name: 'done'; sent: number; stopped: boolean }
  | { name: 'failed'; sent: number; problem: string };

/** Asks before faults are sent again, shows how far that is, and says how it came out. */
export function Resubmit({ chosen, count, close }: { chosen: Chosen; count: number; close: (sent: number) => void }) {
  const [step, setStep] = useState<Step>({ name: 'asked' });
  const stop = useRef(new AbortController());
  const sent = useRef(0);
  useEffect(() => () => stop.current.abort(), []);
  const leave = () => close(sent.current);

  async function send(): Promise<void> {
    stop.current = new AbortController();
    const { signal } = stop.current;
    setStep({ name: 'sending', sent: sent.current });
    const before = sent.current;
    try {
      await resubmitAll(
        chosen,
        now => {
          sent.current = before + now;
          setStep({ name: 'sending', sent: sent.current });
        },
        signal,
      );
      setStep({ name: 'done', sent: sent.current, stopped: signal.aborted });
    } catch (thrown) {
      setStep({ name: 'failed', sent: sent.current, problem: textOf(asFailure(thrown)) });
    }
  }

  return (
    <Dialog title={titleOf(chosen, count)} close={leave}>
      <div class="form">
        {step.name === 'asked' && (
          <p>
            {count === 1 ? 'The event is' : 'Each event is'} sent to its service once more, as it was. What caused the
            fault should be put right first: an event that fails again becomes a new fault. One that has been handled
            meanwhile changes nothing.
          </p>
        )}
        {step.name === 'sending' && <Progress sent={step.sent} count={count} />}
        {step.name === 'done' && (
          <Notice kind="info" title={step.stopped ? 'Stopped.' : 'Sent.'}>
            {eventsOf(step.sent)} sent again. If one cannot be handled this time either, it appears here as a new fault
            within seconds.
          </Notice>
        )}
        {step.name === 'failed' && (
          <Notice kind="error" title="This did not go to the end.">
            {step.problem} {eventsOf(step.sent)} sent again before that. Trying again sends none of them twice.
          </Notice>
        )}
        <div class="actions">
          <Actions step={step} send={() => void send()} stop={() => stop.current.abort()} leave={leave} />
        </div>
      </div>
    </Dialog>
  );
}

function Actions({ step, send, stop, leave }: { step: Step; send: () => void; stop: () => void; leave: () => void }) {
  if (step.name === 'done')
    return (
      <Button kind="primary" onClick={leave}>
        Close
      </Button>
    );
  if (step.name === 'sending') return <Button onClick={stop}>Stop</Button>;
  return (
    <>
      <Button kind="primary" onClick={send}>
        {step.name === 'failed' ? 'Try again' : 'Resubmit'}
      </Button>
      <Button onClick={leave}>{step.name === 'failed' ? 'Close' : 'Cancel'}</Button>
    </>
  );
}

function Progress({ sent, count }: { sent: number; count: number }) {
  return (
    <div class="advance">
      <progress aria-label="Sent again" max={Math.max(count, sent, 1)} value={sent} />
      <p>
        {formatCount(sent)} of {formatCount(Math.max(count, sent))} sent again…
      </p>
    </div>
  );
}

function titleOf(chosen: Chosen, count: number): string {
  if ('ids' in chosen) return count === 1 ? 'Resubmit this fault?' : `Resubmit ${formatCount(count)} faults?`;
  const of = chosen.service ? ` of ${chosen.service}` : '';
  return count === 1 ? `Resubmit the open fault${of}?` : `Resubmit all ${formatCount(count)} open faults${of}?`;
}

const eventsOf = (count: number): string => (count === 1 ? 'One event was' : `${formatCount(count)} events were`);
