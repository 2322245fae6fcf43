import { formatMoney } from '../money.ts';

/** An amount of money; what was added or taken has its sign, and a colour beside it. */
export function Amount({ minor, currency, signed = false }: { minor: number; currency: string; signed?: boolean }) {
  const kind = signed ? (minor < 0 ? 'taken' : 'added') : minor < 0 ? 'below' : '';
  return <span class={`amount ${kind}`}>{formatMoney(minor, currency, { signed })}</span>;
}
