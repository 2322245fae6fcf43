import { PageHead } from '../parts/card.tsx';

/** One account. */
export function Account({ id }: { id: string }) {
  return <PageHead title={id} back={{ to: '/accounts', label: 'Accounts' }} />;
}
