import { useState } from 'preact/hooks';
import { ask } from '../client.ts';
import { asFailure, textOf } from '../failure.ts';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';
import { toast } from '../parts/toast.tsx';
import { addressOf, navigate } from '../router.ts';
import { nowMs } from '../time.ts';
import { CANCEL, START } from './asking.ts';
import { counted, inputOfWish, isGrave, MODES, paramsOfWish, type Replay, titleOf, wishFrom } from './facts.ts';

/** After so long the lake and the service may have moved on. */
const OLD_MS = 15 * 60_000;

/** From a dry run to the thing itself: what replaces data takes the service's name, typed. */
export function Start({ replay }: { replay: Replay }) {
  const { service, mode, total, finishedAt } = replay;
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [refused, setRefused] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const change = addressOf('replays', 'new', paramsOfWish(wishFrom(replay)));
  const isOld = finishedAt !== null && nowMs.value - Date.parse(finishedAt) > OLD_MS;

  async function start(): Promise<void> {
    if (isGrave(replay) && typed.trim() !== service) {
      setProblem(`Type ${service}, as it is written.`);
      return;
    }
    setBusy(true);
    try {
      const { replay: started } = await ask(START, { input: inputOfWish(wishFrom(replay), false) });
      toast(`${titleOf(started)} is on its way`);
      navigate(addressOf('replays', started.id));
    } catch (thrown) {
      setRefused(textOf(asFailure(thrown)));
      setBusy(false);
    }
  }

  return (
    <Card title="Do it">
      <form
        class="form"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          if (!busy) void start();
        }}
      >
        {isOld && <Notice>This dry run is some time ago: try again to see how things are now.</Notice>}
        <p>{whatHappens(replay)}</p>
        {isGrave(replay) && (
          <Field label={`Type “${service}” to go on`} problem={problem}>
            {control => (
              <input
                {...control}
                class="typed"
                autocomplete="off"
                autocapitalize="none"
                spellcheck={false}
                value={typed}
                onInput={event => {
                  setTyped(event.currentTarget.value);
                  setProblem(undefined);
                }}
              />
            )}
          </Field>
        )}
        {refused && <Notice kind="error">{refused}</Notice>}
        <div class="actions">
          <Button type="submit" kind={isGrave(replay) ? 'danger' : 'primary'} busy={busy}>
            {mode === 'REPAIR' ? `Send ${counted(total, 'event')} to ${service}` : `${MODES[mode].label} ${service}`}
          </Button>
          <a class="button plain" href={change}>
            Change
          </a>
        </div>
      </form>
    </Card>
  );
}

function whatHappens({ service, mode, filter }: Replay): string {
  const whose = filter?.subject ? `the data of ${filter.subject} in ${service}` : `the data of ${service}`;
  switch (mode) {
    case 'REPAIR':
      return `The events go to ${service} behind live ones, which are not held up. It can be cancelled at any time.`;
    case 'RECONCILE':
      return `Replaces what differs in ${whose}, account by account. It can be cancelled until the comparison begins.`;
    case 'REBUILD':
      return `Replaces ${whose} with what is built anew from the lake. A rollback goes back to what is there now.`;
    case 'ROLLBACK':
      return `Replaces ${whose} with what was there before the last rebuild, brought up to date.`;
  }
}

/** Cancelling, once asked whether one means it. */
export function Cancel({ replay }: { replay: Replay }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | undefined>(undefined);
  async function cancel(): Promise<void> {
    setBusy(true);
    try {
      const { cancelReplay } = await ask(CANCEL, { id: replay.id });
      if (cancelReplay.status === 'CANCELLED') toast(`${titleOf(replay)} is cancelled`);
      else if (cancelReplay.status === 'COMPLETED') toast('It was completed already');
      else toast('Its new data are put in place right now: it comes to its end');
      setAsking(false);
    } catch (thrown) {
      setRefused(textOf(asFailure(thrown)));
    }
    setBusy(false);
  }
  return (
    <>
      <Button onClick={() => setAsking(true)}>Cancel it</Button>
      {asking && (
        <Dialog title={`Cancel: ${titleOf(replay)}?`} close={() => setAsking(false)}>
          <div class="form">
            <p>
              {replay.mode === 'REPAIR'
                ? 'What has been applied stays. The rest is not sent.'
                : 'What has been built so far is thrown away, and the service goes on with the data that it has.'}
            </p>
            {refused && <Notice kind="error">{refused}</Notice>}
            <div class="actions">
              <Button kind="danger" busy={busy} onClick={() => void cancel()}>
                Cancel the replay
              </Button>
              <Button onClick={() => setAsking(false)}>Let it go on</Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
