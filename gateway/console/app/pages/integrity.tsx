import { Checkpoint } from '../integrity/checkpoint.tsx';
import { Reconciling } from '../integrity/reconciling.tsx';
import { Verification } from '../integrity/verification.tsx';
import { PageHead } from '../parts/card.tsx';

/** Whether the lake is what it was, and the services are what it says. */
export function Integrity() {
  return (
    <>
      <PageHead
        title="Integrity"
        note="The lake keeps every event for ever. Here it is shown to be whole, and the services to agree with it."
      />
      <Verification />
      <Checkpoint />
      <Reconciling />
    </>
  );
}
