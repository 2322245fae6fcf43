import { useEffect, useState } from 'preact/hooks';
import { Badge } from '../parts/badge.tsx';
import { useQuery } from '../query.ts';
import { addressOf } from '../router.ts';
import type { Transaction } from './facts.ts';
import { isUnderWay, passageOf, TRANSFER } from './transfers.ts';

const LOOK_AGAIN_MS = 2_000;

/** Where a transaction's transfer went or came from, and what became of it; asked again until that is final. */
export function TransferOf({
  accountId,
  transferId,
  type,
}: Pick<Transaction, 'type'> & { accountId: string; transferId: string }) {
  const [underWay, setUnderWay] = useState(false);
  const { data } = useQuery(TRANSFER, { id: transferId }, underWay ? { everyMs: LOOK_AGAIN_MS } : {});
  const transfer = data?.transfer ?? undefined;
  useEffect(() => setUnderWay(transfer !== undefined && isUnderWay(transfer)), [transfer]);
  const { words, other, outcome } = passageOf(accountId, type, transfer);
  return (
    <>
      {words}
      {other && ' '}
      {other &&
        (other.name === undefined ? (
          <span class="mono passage-id" title={other.id}>
            {other.id}
          </span>
        ) : (
          <a href={addressOf('accounts', other.id)}>{other.name}</a>
        ))}
      {outcome && ' '}
      {outcome && (
        <>
          <Badge kind={outcome.kind}>{outcome.text}</Badge>
          {outcome.why && <span class="what-memo"> {outcome.why}</span>}
        </>
      )}
    </>
  );
}
