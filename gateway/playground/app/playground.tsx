import { GraphiQL } from 'graphiql';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Bar } from './bar.tsx';
import { KINDS, type Kind, WORKSPACES } from './examples.ts';
import { gatewayFetcher } from './fetcher.ts';
import { FollowLog } from './follow.tsx';
import { type SchemaState, useSchema } from './schema.ts';
import { currentSession, type Person, people, type Session, startSessionOf } from './session.ts';
import { storageOf } from './storage.ts';
import { chosenTheme } from './theme.ts';
import { WrapLines } from './wrap.tsx';

const kindOfAddress = (): Kind => KINDS.find(kind => location.hash === `#${kind}`) ?? 'client';

/** GraphiQL, with examples for each kind of user, as whoever is signed in. */
export function Playground() {
  const [kind, setKind] = useState(kindOfAddress);
  const [session, setSession] = useState(currentSession);
  const [choice, setChoice] = useState<readonly Person[]>([]);
  const [problem, setProblem] = useState<string>();
  /** Counts how often the examples were put back, each time into a new GraphiQL. */
  const [round, setRound] = useState(0);
  const schema = useSchema(session?.token);

  const pick = useCallback(async (name: string) => {
    try {
      setSession(await startSessionOf(name));
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);

  useEffect(() => {
    void people().then(found => {
      setChoice(found);
      const { person } = WORKSPACES[kindOfAddress()];
      if (!currentSession() && found.some(({ name }) => name === person)) void pick(person);
    });
    const moved = () => setKind(kindOfAddress());
    window.addEventListener('hashchange', moved);
    return () => window.removeEventListener('hashchange', moved);
  }, [pick]);

  function choose(next: Kind): void {
    location.hash = next;
    const { person } = WORKSPACES[next];
    if (person !== session?.owner && choice.some(({ name }) => name === person)) void pick(person);
  }

  return (
    <div className="playground">
      <Bar
        kind={kind}
        onKind={choose}
        session={session}
        people={choice}
        onPick={name => void pick(name)}
        onSession={setSession}
        onReset={() => {
          storageOf(kind).clear();
          setRound(round + 1);
        }}
      />
      <Notice problem={problem} session={session} schema={schema} />
      <Editor key={`${kind} ${round}`} kind={kind} session={session} schema={schema} />
    </div>
  );
}

function Notice({
  problem,
  session,
  schema,
}: {
  problem?: string | undefined;
  session: Session | undefined;
  schema: SchemaState;
}) {
  const text = problem ?? (session ? TEXTS[schema.state] : NOBODY);
  if (!text) return null;
  return (
    <p className={problem || schema.state === 'failed' ? 'notice bad' : 'notice'} role="status">
      {text} {schema.why}
    </p>
  );
}

const NOBODY =
  'Nobody is signed in, and the gateway answers nobody: pick who you are, or paste a token, at the top right.';

const TEXTS: Readonly<Partial<Record<SchemaState['state'], string>>> = {
  off: 'This gateway keeps its schema to itself, as in production. Operations run as they do elsewhere; completion, checks while you write, and the documentation are off.',
  failed:
    'The schema could not be read, so that there is no completion and no documentation. Operations can be sent all the same.',
};

/** Where GraphiQL keeps its tabs; before it does, it takes the first one's variables from elsewhere. */
const STORED_TABS = 'graphiql:tabState';

function Editor({ kind, session, schema }: { kind: Kind; session: Session | undefined; schema: SchemaState }) {
  // One fetcher for as long as the editor lives, so that a subscription goes on; it asks for the token when it sends.
  const token = useRef(session?.token);
  token.current = session?.token;
  const fetcher = useMemo(() => gatewayFetcher(() => token.current), []);
  const storage = useMemo(() => storageOf(kind), [kind]);
  const tabs = useMemo(
    () =>
      WORKSPACES[kind].examples.map(({ query, variables }) => ({
        query,
        ...(variables && { variables: JSON.stringify(variables, null, 2) }),
      })),
    [kind],
  );
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={tabs}
      defaultQuery=""
      {...(storage.getItem(STORED_TABS) === null && { initialVariables: tabs[0]?.variables ?? '' })}
      // Given, or known not to be there: GraphiQL never asks for it itself.
      schema={schema.schema ?? null}
      // The token is in what is sent, not in the editor, and so in nothing that is kept.
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      forcedTheme={chosenTheme()}
      defaultEditorToolsVisibility="variables"
    >
      <GraphiQL.Logo>
        <span />
      </GraphiQL.Logo>
      <FollowLog />
      <WrapLines />
    </GraphiQL>
  );
}
