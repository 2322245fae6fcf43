import { useEffect, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Mark } from '../parts/layout.tsx';
import { Notice } from '../parts/states.tsx';
import { farewell, signIn } from '../session.ts';

type Person = { name: string; roles: string[] };

/** Signing in: with a token, or, on a system that made its own secret, by picking who to be. */
export function SignIn() {
  const people = usePeople();
  return (
    <div class="signin">
      <div class="signin-head">
        <Mark />
        <h1 tabIndex={-1}>Sign in to Tributary</h1>
        <p>Every service is a tributary; every event ends in the lake.</p>
      </div>
      {farewell.value && <Notice kind="info">{farewell.value}</Notice>}
      {people.length > 0 && <Picker people={people} />}
      <TokenForm lone={people.length === 0} />
    </div>
  );
}

function Picker({ people }: { people: Person[] }) {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState<string | undefined>(undefined);
  async function pick(name: string): Promise<void> {
    setBusy(name);
    try {
      signIn(await tokenFor(name));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(undefined);
    }
  }
  return (
    <section class="card" aria-labelledby="pick">
      <div class="card-body">
        <h2 id="pick">Who would you like to be?</h2>
        <p class="hint">This system runs on its own, on this machine, so you may try it as anybody.</p>
        <ul class="people">
          {people.map(({ name, roles }) => (
            <li key={name}>
              <button class="person-choice" type="button" aria-busy={busy === name} onClick={() => void pick(name)}>
                <span class="avatar" aria-hidden="true">
                  {name.slice(0, 1).toUpperCase()}
                </span>
                <span>
                  <strong>{name}</strong>
                  <span>{roles.includes('operator') ? 'operator: sees the whole system' : 'account owner'}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
        {problem && <Notice kind="error">{problem}</Notice>}
      </div>
    </section>
  );
}

function TokenForm({ lone }: { lone: boolean }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  return (
    <section class="card">
      <form
        class="card-body form"
        noValidate
        onSubmit={event => {
          event.preventDefault();
          try {
            signIn(token);
          } catch (error) {
            setProblem(error instanceof Error ? error.message : String(error));
          }
        }}
      >
        <h2>{lone ? 'With a token' : 'Or with a token'}</h2>
        <Field
          label="Token"
          problem={problem}
          hint={
            <>
              <code>npm run -s token -- NAME</code> makes one; add <code>operator</code> for an operator. It is kept in
              this tab only.
            </>
          }
        >
          {control => (
            <textarea
              {...control}
              rows={3}
              spellcheck={false}
              autocomplete="off"
              value={token}
              onInput={event => {
                setToken(event.currentTarget.value);
                setProblem(undefined);
              }}
              onKeyDown={event => {
                if (event.key !== 'Enter') return;
                event.preventDefault();
                event.currentTarget.form?.requestSubmit();
              }}
            />
          )}
        </Field>
        <Button type="submit" kind={lone ? 'primary' : 'plain'}>
          Sign in
        </Button>
      </form>
    </section>
  );
}

/** Who can be picked: nobody until the gateway has said so. */
function usePeople(): Person[] {
  const [people, setPeople] = useState<Person[]>([]);
  useEffect(() => {
    fetch('/session')
      .then(response => response.json())
      .then((answer: { people?: Person[] }) => setPeople(answer.people ?? []))
      .catch(() => undefined);
  }, []);
  return people;
}

/** @throws Error that says what to do. */
async function tokenFor(name: string): Promise<string> {
  const response = await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  }).catch(() => undefined);
  if (!response) throw new Error('The gateway does not answer. See whether the system runs, then try again.');
  const answer: { token?: string; errors?: { message: string }[] } = await response.json().catch(() => ({}));
  if (answer.token) return answer.token;
  throw new Error(answer.errors?.[0]?.message ?? `The gateway answered with HTTP ${response.status}.`);
}
