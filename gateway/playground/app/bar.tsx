import { type FormEvent, useRef, useState } from 'react';
import { KINDS, type Kind, WORKSPACES } from './examples.ts';
import { type Person, type Session, startSession } from './session.ts';

type Props = {
  kind: Kind;
  onKind(kind: Kind): void;
  session: Session | undefined;
  people: readonly Person[];
  onPick(name: string): void;
  onSession(session: Session): void;
  onReset(): void;
};

/** Above the editor: whose examples these are, and who asks. */
export function Bar({ kind, onKind, session, people, onPick, onSession, onReset }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <header className="bar">
      <a className="home" href="/">
        Tributary
      </a>
      <h1>Playground</h1>
      <nav aria-label="Examples for">
        {KINDS.map(name => (
          <button key={name} type="button" aria-current={name === kind} onClick={() => onKind(name)}>
            {WORKSPACES[name].title}
          </button>
        ))}
      </nav>
      <button
        type="button"
        className="quiet"
        onClick={onReset}
        title="Puts the examples of these tabs back as they were"
      >
        Reset examples
      </button>
      <span className="grow" />
      {people.length > 0 ? (
        <Picker session={session} people={people} onPick={onPick} />
      ) : (
        <span className="who">{session ? `${session.owner}${session.operator ? ', operator' : ''}` : 'Nobody'}</span>
      )}
      <button type="button" onClick={() => dialog.current?.showModal()}>
        {session ? 'Another token' : 'Paste a token'}
      </button>
      <dialog ref={dialog} aria-labelledby="token-title">
        <TokenForm
          onClose={() => dialog.current?.close()}
          onSession={next => {
            onSession(next);
            dialog.current?.close();
          }}
        />
      </dialog>
    </header>
  );
}

function Picker({ session, people, onPick }: Pick<Props, 'session' | 'people' | 'onPick'>) {
  const owner = session?.owner ?? '';
  const known = people.some(({ name }) => name === owner);
  return (
    <label className="who">
      As
      <select value={owner} onChange={event => onPick(event.target.value)}>
        {!known && <option value={owner}>{owner || 'nobody'}</option>}
        {people.map(({ name, roles }) => (
          <option key={name} value={name}>
            {roles.includes('operator') ? `${name}, operator` : name}
          </option>
        ))}
      </select>
    </label>
  );
}

function TokenForm({ onSession, onClose }: { onSession(session: Session): void; onClose(): void }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string>();
  function submit(event: FormEvent): void {
    event.preventDefault();
    try {
      onSession(startSession(token));
      setToken('');
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <form onSubmit={submit}>
      <h2 id="token-title">Go on with a token</h2>
      <p>
        It is sent with every request from here, and kept for this tab only. One for trying things out:{' '}
        <code>npm run -s token -- olga operator</code>
      </p>
      <label htmlFor="token">Token</label>
      <textarea
        id="token"
        rows={5}
        spellCheck={false}
        autoComplete="off"
        value={token}
        onChange={event => setToken(event.target.value)}
      />
      <p className="bad" role="alert">
        {problem}
      </p>
      <div className="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="solid">
          Use it
        </button>
      </div>
    </form>
  );
}
