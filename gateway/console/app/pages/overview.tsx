import { useEffect, useState } from 'preact/hooks';
import { SYSTEM, type System } from '../overview/facts.ts';
import { history, MINUTES, remember, sampleOf } from '../overview/history.ts';
import { Picture } from '../overview/picture.tsx';
import { Flows, Services } from '../overview/tables.tsx';
import { Tiles } from '../overview/tiles.tsx';
import { type Trouble, troublesOf } from '../overview/troubles.ts';
import { Card, PageHead } from '../parts/card.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { announce } from '../parts/toast.tsx';
import { useQuery, useSubscription } from '../query.ts';
import { REPLAYS, REPLAYS_AGAIN_MS } from '../replays/asking.ts';
import { isOver } from '../replays/facts.ts';
import { RunningReplays } from '../replays/running.tsx';

/** The system at a glance: what flows, what waits, what is wrong. */
export function Overview() {
  const [tries, setTries] = useState(0);
  return <Watched key={tries} again={() => setTries(tries + 1)} />;
}

function Watched({ again }: { again: () => void }) {
  const [system, setSystem] = useState<System | undefined>(undefined);
  const failure = useSubscription(SYSTEM, {}, ({ systemChanged }) => {
    history.value = remember(history.value, sampleOf(systemChanged));
    setSystem(systemChanged);
  });
  const troubles = system ? troublesOf(system) : [];
  // Said once when they come, and not with every number in them that moves.
  const titles = troubles.map(({ title }) => title).join(' ');
  useEffect(() => {
    if (titles) announce(titles);
  }, [titles]);
  if (failure) {
    return (
      <>
        <PageHead title="Overview" />
        <Failed failure={failure} reload={again} />
      </>
    );
  }
  if (!system) {
    return (
      <>
        <PageHead title="Overview" note="Looking at the system…" />
        <Skeleton rows={10} label="Looking at the system" />
      </>
    );
  }
  return (
    <>
      <PageHead title="Overview" note={<Verdict system={system} troubles={troubles} />} />
      {troubles.map(trouble => (
        <Notice key={trouble.title} kind={trouble.kind} title={trouble.title} quiet>
          {trouble.text} {trouble.command && <code>{trouble.command}</code>}
          {trouble.link && <a href={trouble.link.to}>{trouble.link.label}</a>}
        </Notice>
      ))}
      <Tiles system={system} />
      <Replaying />
      {system.services.length === 0 ? (
        <Empty icon="overview" title="No service is known yet">
          Each makes itself known when it starts, for ever: npm start runs all of them, npm run service runs one.
        </Empty>
      ) : (
        <Parts system={system} />
      )}
    </>
  );
}

/** As the page of replays has them; one that is older than so many others and still goes on is not looked for. */
const REPLAYS_NEWEST = 20;

/** Replays that go on: they explain much of what flows and waits. Nothing where there is none. */
function Replaying() {
  const { data, reload } = useQuery(REPLAYS, { first: REPLAYS_NEWEST, after: null }, { everyMs: REPLAYS_AGAIN_MS });
  const active = data?.replays.nodes.filter(replay => !isOver(replay)) ?? [];
  if (active.length === 0) return null;
  return (
    <Card title="Replays" note="Events that go from the lake to a service again." action={<a href="/replays">All</a>}>
      <RunningReplays replays={active} over={reload} />
    </Card>
  );
}

function Parts({ system }: { system: System }) {
  return (
    <>
      <Card title="The way of the events" note="From who emits them to who consumes them, per second.">
        <Picture system={system} />
        <details class="as-table">
          <summary>As a table</summary>
          <Flows system={system} />
        </details>
      </Card>
      <Card title="Services" note={`Lines show the last ${MINUTES} minutes.`} flush>
        <Services system={system} />
      </Card>
    </>
  );
}

function Verdict({ system: { services }, troubles }: { system: System; troubles: readonly Trouble[] }) {
  if (troubles.length > 0) {
    return <>{troubles.length === 1 ? 'One thing needs' : `${troubles.length} things need`} a look.</>;
  }
  const running = services.filter(({ running }) => running).length;
  if (running < services.length) return <>All is well so far; waiting for every service to say that it runs.</>;
  return <>All is well: {services.length === 1 ? 'the service runs' : `all ${services.length} services run`}.</>;
}
