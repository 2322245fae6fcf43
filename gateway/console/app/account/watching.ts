import { useEffect, useRef, useState } from 'preact/hooks';
import { ask } from '../client.ts';
import { asFailure, type Failure } from '../failure.ts';
import { useQuery, useSubscription } from '../query.ts';
import {
  ACCOUNT,
  type AccountView,
  BALANCE_CHANGED,
  forgottenPending,
  LEDGER,
  renewed,
  TRANSACTIONS,
  type Transaction,
  withEarlier,
  withOlder,
  withTransaction,
} from './facts.ts';

/** An account that is watched. */
export type Watched = {
  /** Undefined until it has been answered, null when there is no such account for the reader. */
  account: AccountView | null | undefined;
  failure: Failure | undefined;
  reload(): void;
  add(transaction: Transaction): void;
  /** Ask for the page after what is known. @throws Failure */
  older(): Promise<void>;
  earlier(): Promise<void>;
};

const NEWEST = 20;
const LOOK_AGAIN_MS = 2_000;

/** Asks for an account, then follows it: every change of its balance comes with its newest transactions and ledger lines. */
export function useAccount(id: string): Watched {
  const [account, setAccount] = useState<AccountView | null | undefined>(undefined);
  const update = (change: (known: AccountView) => AccountView) => setAccount(known => known && change(known));
  const { data, failure, reload } = useQuery(ACCOUNT, { id });
  const shown = useRef(data);

  useEffect(() => {
    if (data === shown.current) return;
    shown.current = data;
    const answer = data?.account;
    if (answer) setAccount(known => renewed(known ?? undefined, answer));
    else if (answer === null) setAccount(null);
  }, [data]);
  const lost = useSubscription(BALANCE_CHANGED, { id }, ({ balanceChanged }) =>
    setAccount(known => renewed(known ?? undefined, balanceChanged)),
  );
  usePending(account, update);

  return {
    account,
    failure: failure ?? (lost?.code === 'NOT_FOUND' ? undefined : lost),
    reload,
    add: transaction => update(known => withTransaction(known, transaction)),
    async older() {
      const after = account?.transactions.pageInfo.endCursor ?? null;
      const answer = await ask(TRANSACTIONS, { id, first: 50, after });
      const page = answer.account?.transactions;
      if (page) update(known => withOlder(known, page));
    },
    async earlier() {
      const answer = await ask(LEDGER, { id, after: account?.ledger.pageInfo.endCursor ?? null });
      const page = answer.account?.ledger;
      if (page) update(known => withEarlier(known, page));
    },
  };
}

/** Looks after transactions that were pending when more had come after them than an answer about the newest holds. */
function usePending(
  account: AccountView | null | undefined,
  update: (change: (known: AccountView) => AccountView) => void,
): void {
  const id = account && forgottenPending(account, NEWEST) ? account.id : undefined;
  useEffect(() => {
    if (id === undefined) return;
    const timer = setInterval(() => {
      ask(TRANSACTIONS, { id, first: 100, after: null }).then(
        answer => {
          const page = answer.account?.transactions;
          if (page) update(known => renewed(known, { ...known, transactions: page }));
        },
        thrown => void asFailure(thrown),
      );
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [id]);
}
