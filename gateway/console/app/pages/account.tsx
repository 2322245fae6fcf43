import { useEffect, useRef, useState } from 'preact/hooks';
import { BalanceChart } from '../account/chart.tsx';
import type { AccountView } from '../account/facts.ts';
import { Ledger, Transactions } from '../account/lists.tsx';
import { MoveMoney } from '../account/move-money.tsx';
import { useAccount } from '../account/watching.ts';
import { textOf } from '../failure.ts';
import { formatMoney } from '../money.ts';
import { Badge } from '../parts/badge.tsx';
import { PageHead } from '../parts/card.tsx';
import { Empty, Failed, Notice, Skeleton } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { addressOf } from '../router.ts';
import { session } from '../session.ts';
import { formatCount } from '../time.ts';

const BACK = { to: addressOf('accounts'), label: 'Accounts' };

/** One account: its balance as it moves, what moved it, and the means to. */
export function Account({ id }: { id: string }) {
  const { account, failure, reload, add, older, earlier } = useAccount(id);
  useEffect(() => {
    if (account) document.title = `${account.name} · Tributary`;
  }, [account?.name]);
  if (account === null) return <NoAccount id={id} />;
  if (!account) {
    return (
      <>
        <PageHead title="Account" back={BACK} />
        {failure ? <Failed failure={failure} reload={reload} /> : <Skeleton rows={8} />}
      </>
    );
  }
  const { owner = '', operator = false } = session.value ?? {};
  return (
    <>
      <PageHead title={account.name} back={BACK} note={<Facts account={account} operator={operator} />} />
      {failure && <Notice>{textOf(failure)}</Notice>}
      <div class="account">
        <BalanceCard account={account} />
        {account.ownerId === owner && (
          <div class="account-side">
            <MoveMoney account={account} add={add} />
          </div>
        )}
        <div class="account-lists">
          <Transactions account={account} older={older} />
          <Ledger account={account} operator={operator} earlier={earlier} />
        </div>
      </div>
    </>
  );
}

function NoAccount({ id }: { id: string }) {
  return (
    <>
      <PageHead title="There is no such account" back={BACK} />
      <Empty
        icon="accounts"
        title={session.value?.operator ? 'Nobody has an account with this id' : 'You have no account with this id'}
        action={<a href={BACK.to}>See the accounts that there are</a>}
      >
        <code>{id}</code>
      </Empty>
    </>
  );
}

function Facts({
  account: { id, ownerId, openedAt, currency },
  operator,
}: {
  account: AccountView;
  operator: boolean;
}) {
  return (
    <span class="facts">
      <Badge kind="plain">{currency}</Badge>
      {operator && (
        <span>
          owner <a href={addressOf('accounts', undefined, { owner: ownerId })}>{ownerId}</a>
        </span>
      )}
      <span>
        opened <Time at={openedAt} as="day" />
      </span>
      <span class="mono">{id}</span>
      {operator && <a href={addressOf('events', undefined, { subject: id })}>All its events</a>}
    </span>
  );
}

function BalanceCard({ account }: { account: AccountView }) {
  const { balance, currency, transactions } = account;
  const pending = transactions.nodes.filter(({ status }) => status === 'PENDING');
  const pendingMinor = pending.reduce((sum, { type, amount }) => sum + (type === 'DEPOSIT' ? amount : -amount), 0);
  return (
    <section class="card balance" aria-label="Balance">
      <div class="balance-head">
        <div>
          <h2>Balance</h2>
          <output class={`balance-amount ${useMoved(balance.version) ? 'moved' : ''}`} aria-live="polite">
            {formatMoney(balance.amount, currency)}
          </output>
        </div>
        <p class="balance-note">
          {pending.length > 0 && (
            <span class="balance-pending">{formatMoney(pendingMinor, currency, { signed: true })} pending</span>
          )}
          <span>
            {balance.version === 0
              ? 'Nothing booked yet'
              : `${formatCount(balance.version)} ${balance.version === 1 ? 'transaction' : 'transactions'}`}
            {balance.asOf && (
              <>
                , the last <Time at={balance.asOf} as="relative" />
              </>
            )}
          </span>
        </p>
      </div>
      {balance.version > 0 && <BalanceChart account={account} />}
    </section>
  );
}

const MOVED_MS = 900;

/** Whether the balance has just moved. */
function useMoved(version: number): boolean {
  const [moved, setMoved] = useState(false);
  const last = useRef(version);
  useEffect(() => {
    if (last.current === version) return;
    last.current = version;
    setMoved(true);
    const timer = setTimeout(() => setMoved(false), MOVED_MS);
    return () => clearTimeout(timer);
  }, [version]);
  return moved;
}
