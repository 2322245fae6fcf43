import { useState } from 'preact/hooks';
import { asFailure, textOf } from '../failure.ts';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Notice } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';
import type { AccountView, Entry, Transaction } from './facts.ts';
import { TransferOf } from './transfer.tsx';

const FIRST_LINES = 10;

/** What was asked for, whether it is in the balance or not. */
export function Transactions({ account, older }: { account: AccountView; older: () => Promise<void> }) {
  const { currency, transactions } = account;
  const columns: Column<Transaction>[] = [
    { head: 'Transaction', heads: true, cell: transaction => <What accountId={account.id} {...transaction} /> },
    { head: 'Time', wide: true, cell: ({ time }) => <Time at={time} /> },
    { head: 'Status', cell: ({ status }) => <Status status={status} /> },
    {
      head: 'Amount',
      end: true,
      cell: ({ type, amount }) => <Amount minor={type === 'DEPOSIT' ? amount : -amount} currency={currency} signed />,
    },
  ];
  return (
    <Card title="Transactions" flush>
      {transactions.nodes.length === 0 ? (
        <Empty title="No transactions yet">
          A deposit is the first step: it shows here at once, and in the balance when it has settled.
        </Empty>
      ) : (
        <Table
          caption="Transactions, newest first"
          columns={columns}
          rows={transactions.nodes}
          keyOf={({ id }) => id}
        />
      )}
      <More shown={transactions.pageInfo.hasNextPage} label="Show older transactions" more={older} />
    </Card>
  );
}

function What({ accountId, type, memo, transferId }: Transaction & { accountId: string }) {
  const isDeposit = type === 'DEPOSIT';
  const word = isDeposit ? 'Deposit' : 'Withdrawal';
  return (
    <span class="what-with-icon">
      <span class={`way ${isDeposit ? 'added' : ''}`} title={word}>
        <Icon name={isDeposit ? 'in' : 'out'} />
      </span>
      {transferId ? (
        <span class="what">
          {memo && <span>{memo}</span>}
          <span class={memo ? 'what-memo' : ''}>
            <TransferOf accountId={accountId} transferId={transferId} type={type} />
          </span>
        </span>
      ) : (
        <span>
          {memo || word}
          {memo && <span class="unseen">, {word}</span>}
        </span>
      )}
    </span>
  );
}

const Status = ({ status }: Pick<Transaction, 'status'>) =>
  status === 'SETTLED' ? <Badge kind="good">Settled</Badge> : <Badge kind="waiting">Pending</Badge>;

/** Why the balance is what it is: every event that changed it, with what it was before and after. */
export function Ledger({
  account,
  operator,
  earlier,
}: {
  account: AccountView;
  operator: boolean;
  earlier: () => Promise<void>;
}) {
  const { currency, ledger, transactions } = account;
  const [lines, setLines] = useState(FIRST_LINES);
  const memos = new Map(transactions.nodes.map(({ id, memo }) => [id, memo]));
  const shown = ledger.nodes.slice(0, lines);
  const columns: Column<Entry>[] = [
    { head: '#', cell: ({ version }) => formatCount(version) },
    {
      head: 'Event',
      heads: true,
      cell: entry => <EventOf entry={entry} memo={memos.get(entry.eventId) ?? null} operator={operator} />,
    },
    { head: 'Time', wide: true, cell: ({ time }) => <Time at={time} /> },
    { head: 'Change', end: true, cell: ({ amount }) => <Amount minor={amount} currency={currency} signed /> },
    { head: 'Balance', end: true, cell: ({ balance }) => <Amount minor={balance} currency={currency} /> },
  ];
  return (
    <Card title="Why is it this amount?" note="Each line is an event, and the balance from then on." flush>
      {ledger.nodes.length === 0 ? (
        <Empty title="Nothing has changed the balance yet">
          Each deposit and withdrawal becomes a line here, with its event.
        </Empty>
      ) : (
        <Table caption="Ledger, newest first" columns={columns} rows={shown} keyOf={({ version }) => version} />
      )}
      <More
        shown={lines < ledger.nodes.length || ledger.pageInfo.hasNextPage}
        label="Show earlier lines"
        more={async () => {
          if (lines + FIRST_LINES > ledger.nodes.length && ledger.pageInfo.hasNextPage) await earlier();
          setLines(lines + 2 * FIRST_LINES);
        }}
      />
    </Card>
  );
}

function EventOf({
  entry: { eventId, eventType },
  memo,
  operator,
}: {
  entry: Entry;
  memo: string | null;
  operator: boolean;
}) {
  return (
    <span class="what">
      <span>
        {eventType}
        {memo && <span class="what-memo"> {memo}</span>}
      </span>
      {operator ? (
        <a class="mono what-kind" title={eventId} href={addressOf('events', eventId)}>
          {eventId}
        </a>
      ) : (
        <span class="mono what-kind" title={eventId}>
          {eventId}
        </span>
      )}
    </span>
  );
}

/** Asks for more at the end of a list, and says so when it cannot be had. */
function More({ shown, label, more }: { shown: boolean; label: string; more: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  if (!shown) return null;
  async function press(): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    await more().catch(thrown => setProblem(textOf(asFailure(thrown))));
    setBusy(false);
  }
  return (
    <div class="more">
      {problem && <Notice kind="error">{problem}</Notice>}
      <Button kind="quiet" busy={busy} onClick={() => void press()}>
        {label}
      </Button>
    </div>
  );
}
