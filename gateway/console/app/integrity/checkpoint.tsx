import { useEffect, useState } from 'preact/hooks';
import { gql } from '../client.ts';
import { textOf } from '../failure.ts';
import { Copy } from '../lake/copying.tsx';
import { Button } from '../parts/button.tsx';
import { Card } from '../parts/card.tsx';
import { Failed, Notice, Skeleton } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { useQuery } from '../query.ts';
import { formatCount } from '../time.ts';

export const CHECKPOINT = gql<{
  checkpoint: {
    system: string;
    position: number;
    hash: string;
    time: string;
    publicKey: string;
    signature: string;
  };
}>(/* GraphQL */ `
  query Checkpoint { checkpoint { system position hash time publicKey signature } }
`);

/** What the lake says its hash is, signed: to be kept where nobody who can write to its database can. */
export function Checkpoint() {
  const { data, failure, reload, loading } = useQuery(CHECKPOINT, {});
  const checkpoint = data?.checkpoint;
  const text = checkpoint && `${JSON.stringify(checkpoint, null, 2)}\n`;
  return (
    <Card
      title="Signed checkpoint"
      note="Proof for later: whoever keeps one elsewhere can show that nothing up to its position has been touched."
      action={
        <span class="actions">
          <Button kind="quiet" busy={loading} onClick={reload}>
            Sign a new one
          </Button>
          {text && (
            <Copy said="Copied the checkpoint." text={() => text}>
              Copy
            </Copy>
          )}
          {text && <Download text={text} name={`checkpoint-${checkpoint.position}.json`} />}
        </span>
      }
    >
      {failure && checkpoint && <Notice>{textOf(failure)}</Notice>}
      {!checkpoint && (failure ? <Failed failure={failure} reload={reload} /> : <Skeleton rows={5} />)}
      {checkpoint && (
        <>
          <dl class="pairs">
            <dt>Position</dt>
            <dd>{checkpoint.position === 0 ? 'the lake is empty' : `${formatCount(checkpoint.position)} events`}</dd>
            <dt>Hash</dt>
            <dd class="mono hash">{checkpoint.hash}</dd>
            <dt>Signed</dt>
            <dd>
              <Time at={checkpoint.time} as="full" /> by <span class="mono">{checkpoint.system}</span>
            </dd>
            <dt>Signature</dt>
            <dd class="mono hash">{checkpoint.signature}</dd>
            <dt>Public key</dt>
            <dd class="mono hash key">{checkpoint.publicKey.trim()}</dd>
          </dl>
          <p class="hint after">
            Check it, and an export, on any machine:{' '}
            <code>npm run verify -- checkpoint-{checkpoint.position}.json events.ndjson --key public.pem</code>. The
            export is <code>GET /lake/events.ndjson</code> with your token.
          </p>
        </>
      )}
    </Card>
  );
}

/** A link to a text as a file. */
function Download({ text, name }: { text: string; name: string }) {
  const [href, setHref] = useState<string | undefined>(undefined);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    setHref(made);
    return () => URL.revokeObjectURL(made);
  }, [text]);
  return (
    <a class="button plain" href={href} download={name}>
      Download
    </a>
  );
}
