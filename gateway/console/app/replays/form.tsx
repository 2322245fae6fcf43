/** Preparing a replay: what is sent, to whom and how. It always begins with a dry run. */
import { useState } from 'preact/hooks';
import { ask } from '../client.ts';
import { asFailure, textOf } from '../failure.ts';
import { Conditions, TypeChoice } from '../lake/filters.tsx';
import { useEventTypes } from '../lake/kinds.ts';
import { Button } from '../parts/button.tsx';
import { Card, PageHead } from '../parts/card.tsx';
import { Field } from '../parts/field.tsx';
import { Failed, Notice, Skeleton } from '../parts/states.tsx';
import { useQuery } from '../query.ts';
import { addressOf, location, navigate } from '../router.ts';
import { REPLAYED_SERVICES, START } from './asking.ts';
import {
  inputOfWish,
  MODE_NAMES,
  MODES,
  paramsOfWish,
  problemOfRate,
  REASON_CHARS_MAX,
  type Wish,
  wishOf,
} from './facts.ts';

type Service = { name: string; consumes: string[] };
type Editing = { wish: Wish; change: (part: Partial<Wish>) => void };

/** `/replays/new`, filled in from its query string. */
export function NewReplay() {
  const { data, failure, reload } = useQuery(REPLAYED_SERVICES, {});
  // The lake is what is replayed from.
  const services = data?.services.filter(({ name }) => name !== 'lake');
  return (
    <>
      <PageHead
        title="New replay"
        back={{ to: '/replays', label: 'Replays' }}
        note="First a dry run says what would happen. Nothing is sent before you have seen it."
      />
      {services ? (
        <Form services={services} />
      ) : failure ? (
        <Failed failure={failure} reload={reload} />
      ) : (
        <Skeleton rows={6} label="Loading the services" />
      )}
    </>
  );
}

function Form({ services }: { services: Service[] }) {
  const [wish, setWish] = useState(() => wishOf(location.value.query));
  const [problems, setProblems] = useState<{ service?: string; rate?: string }>({});
  const [refused, setRefused] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const all = useEventTypes();
  const consumed = services.find(({ name }) => name === wish.service)?.consumes ?? ['*'];
  const types = consumed.includes('*') ? all : consumed;
  const change = (part: Partial<Wish>) => setWish(before => ({ ...before, ...part }));

  async function tryOut(): Promise<void> {
    const service = services.some(({ name }) => name === wish.service) ? undefined : 'Choose a service.';
    const rate = problemOfRate(wish.rate);
    setProblems({ ...(service && { service }), ...(rate && { rate }) });
    if (service || rate) return;
    setBusy(true);
    try {
      const { replay } = await ask(START, { input: inputOfWish(wish, true) });
      // So that going back leads to the form as it was filled in.
      navigate(addressOf('replays', 'new', paramsOfWish(wish)), { replace: true });
      navigate(addressOf('replays', replay.id));
    } catch (thrown) {
      setRefused(textOf(asFailure(thrown)));
      setBusy(false);
    }
  }

  return (
    <form
      class="stack"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        if (!busy) void tryOut();
      }}
    >
      <Card title="To which service">
        <ServiceChoice services={services} problem={problems.service} {...{ wish, change }} />
      </Card>
      <Card title="How">
        <ModeChoice {...{ wish, change }} />
      </Card>
      <Card title="Which events" note={noteOfEvents(wish)}>
        <div class="form">
          {wish.mode === 'REPAIR' && (
            <TypeChoice filter={wish.filter} change={filter => change({ filter })} types={types} />
          )}
          <div class="sieve-fields">
            <Conditions
              filter={wish.filter}
              change={filter => change({ filter })}
              {...(wish.mode !== 'REPAIR' && { only: 'subject' as const })}
            />
          </div>
        </div>
      </Card>
      <Card title="How fast, and why">
        <Manner problem={problems.rate} {...{ wish, change }} />
      </Card>
      {refused && <Notice kind="error">{refused}</Notice>}
      <div class="actions">
        <Button type="submit" kind="primary" busy={busy}>
          Dry run
        </Button>
        <a class="button plain" href="/replays">
          Leave it
        </a>
      </div>
    </form>
  );
}

const noteOfEvents = ({ mode }: Wish) =>
  mode === 'REPAIR'
    ? 'Of those that the service consumes. Without a condition: all of them.'
    : 'What builds data anew takes all events, or all of one account.';

function ServiceChoice({
  services,
  problem,
  wish,
  change,
}: Editing & { services: Service[]; problem: string | undefined }) {
  return (
    <fieldset class="options" aria-describedby={problem && 'no-service'}>
      <legend class="unseen">Service</legend>
      {services.map(({ name, consumes }) => (
        <label key={name} class="option">
          <input
            type="radio"
            name="service"
            value={name}
            checked={wish.service === name}
            onChange={() => change({ service: name })}
          />
          <span>
            <strong>{name}</strong>
            <span class="hint">
              {consumes.includes('*') ? 'consumes everything' : `consumes ${consumes.join(', ')}`}
            </span>
          </span>
        </label>
      ))}
      {problem && (
        <p class="problem" id="no-service" role="alert">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

function ModeChoice({ wish, change }: Editing) {
  return (
    <fieldset class="options">
      <legend class="unseen">Mode</legend>
      {MODE_NAMES.map(mode => (
        <label key={mode} class="option">
          <input type="radio" name="mode" value={mode} checked={wish.mode === mode} onChange={() => change({ mode })} />
          <span>
            <strong>{MODES[mode].label}</strong>
            <span class="hint">{MODES[mode].text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Manner({ wish, change, problem }: Editing & { problem: string | undefined }) {
  return (
    <div class="manner">
      <Field label="Events a second" problem={problem} hint="Empty: as fast as the service takes them.">
        {control => (
          <input
            {...control}
            inputMode="numeric"
            autocomplete="off"
            placeholder="No limit"
            value={wish.rate}
            onInput={event => change({ rate: event.currentTarget.value })}
          />
        )}
      </Field>
      <Field label="Reason" hint="Kept with the replay, for whoever asks later.">
        {control => (
          <input
            {...control}
            maxLength={REASON_CHARS_MAX}
            autocomplete="off"
            placeholder="Such as a ticket"
            value={wish.reason}
            onInput={event => change({ reason: event.currentTarget.value })}
          />
        )}
      </Field>
    </div>
  );
}
