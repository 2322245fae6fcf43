import { useState } from 'preact/hooks';
import { textOf } from '../failure.ts';
import { Dismiss } from '../faults/dismiss.tsx';
import { FAULT, type Fault } from '../faults/facts.ts';
import { Resubmit } from '../faults/resubmit.tsx';
import { StateBadge } from '../faults/state.tsx';
import { Copy } from '../lake/copying.tsx';
import { Button } from '../parts/button.tsx';
import { Card, PageHead } from '../parts/card.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';

const BACK = { to: addressOf('faults'), label: 'Faults' };

/** One fault: what went wrong, and with what. */
export function OneFault({ id }: { id: string }) {
  const { data, failure, reload } = useQuery(FAULT, { id });
  const [asked, setAsked] = useState<'resubmit' | 'dismiss' | undefined>(undefined);
  const fault = data?.fault;
  if (fault === null) {
    return (
      <>
        <PageHead title="There is no such fault" back={BACK} />
        <Empty icon="faults" title="The lake has no fault with this id" action={<a href={BACK.to}>See the faults</a>}>
          <code>{id}</code>
        </Empty>
      </>
    );
  }
  if (!fault) {
    return (
      <>
        <PageHead title="Fault" back={BACK} />
        {failure ? <Failed failure={failure} reload={reload} /> : <Skeleton rows={8} />}
      </>
    );
  }
  return (
    <>
      <PageHead
        title={`Fault of ${fault.service}`}
        back={BACK}
        note={<Time at={fault.time} as="full" />}
        action={
          fault.state !== 'RESUBMITTED' && (
            <>
              <Button kind="primary" onClick={() => setAsked('resubmit')}>
                Resubmit
              </Button>
              {fault.state === 'OPEN' && <Button onClick={() => setAsked('dismiss')}>Dismiss</Button>}
            </>
          )
        }
      />
      {failure && <Notice>{textOf(failure)}</Notice>}
      <WhatWentWrong fault={fault} />
      <Original fault={fault} />
      {asked === 'resubmit' && (
        <Resubmit
          chosen={{ ids: [fault.id] }}
          count={1}
          close={sent => {
            setAsked(undefined);
            if (sent > 0) reload();
          }}
        />
      )}
      {asked === 'dismiss' && (
        <Dismiss
          ids={[fault.id]}
          close={isDone => {
            setAsked(undefined);
            if (isDone) reload();
          }}
        />
      )}
    </>
  );
}

function WhatWentWrong({ fault }: { fault: Fault }) {
  return (
    <Card title="What went wrong">
      <p class="fault-text">{fault.error || 'The service gave no message.'}</p>
      <dl class="pairs">
        <dt>State</dt>
        <dd>
          <StateBadge state={fault.state} /> <WhatBecame fault={fault} />
        </dd>
        <dt>Service</dt>
        <dd>
          <a href={addressOf('faults', undefined, { service: fault.service })}>{fault.service}</a>, which went on with
          the rest
        </dd>
        <dt>Event</dt>
        <dd>
          {fault.eventType ?? 'not an event'}{' '}
          {fault.event ? (
            <a class="mono" href={addressOf('events', fault.eventId)}>
              {fault.eventId}
            </a>
          ) : (
            <>
              <span class="mono">{fault.eventId}</span>, which the lake does not have
            </>
          )}
        </dd>
        {fault.subject && (
          <>
            <dt>Subject</dt>
            <dd>
              <a class="mono" href={addressOf('accounts', fault.subject)}>
                {fault.subject}
              </a>
            </dd>
          </>
        )}
        <dt>Delivered</dt>
        <dd>{fault.deliveries === 1 ? 'once' : `${formatCount(fault.deliveries)} times`} before it was set aside</dd>
        <dt>Fault</dt>
        <dd class="mono">{fault.id}</dd>
      </dl>
    </Card>
  );
}

function WhatBecame({ fault: { resubmittedAt, dismissal } }: { fault: Fault }) {
  if (resubmittedAt !== null)
    return (
      <>
        <Time at={resubmittedAt} as="relative" />. Had it failed again, that would be a fault of its own.
      </>
    );
  if (dismissal)
    return (
      <>
        by {dismissal.by} <Time at={dismissal.at} as="relative" />: {dismissal.reason}
      </>
    );
  return <>Put right what caused it, then resubmit it. If nothing is to become of it, dismiss it.</>;
}

function Original({ fault: { original } }: { fault: Fault }) {
  const text = JSON.stringify(original, null, 2) ?? 'nothing';
  return (
    <Card
      title="What was delivered"
      action={
        <Copy said="Copied what was delivered." text={() => text}>
          Copy
        </Copy>
      }
    >
      {/* Longer ones are moved by keyboard too. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to take the focus */}
      <pre class="delivered" tabIndex={0}>
        {text}
      </pre>
    </Card>
  );
}
