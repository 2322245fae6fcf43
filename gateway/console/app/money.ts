/** Amounts: whole minor units inside, decimals to read and to type. No amount ever becomes a float. */

import { LOCALE } from './locale.ts';

/** ISO 4217's minor units where they are not 2. The browser's own table differs for some. */
const DECIMALS: Record<string, number> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map(code => [code, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map(code => [code, 3]),
  ...'CLF UYW'.split(' ').map(code => [code, 4]),
]);

/** How many decimals a currency has. */
export const decimalsOf = (currency: string): number => DECIMALS[currency] ?? 2;

/** An amount that was typed, or why it is none. */
export type Parsed = { minor: number } | { problem: string };

const GROUPS = /^\d{1,3}(?:([ ,'’\u00a0\u202f])\d{3}(?:\1\d{3})*)?$/;

/**
 * Reads an amount as people type it: `1234.5`, `1,234.50`, `1 234,50`. What could be read in two ways is refused, never guessed.
 *
 * @param currency an ISO 4217 code.
 * @returns the amount in minor units, more than zero.
 */
export function parseAmount(text: string, currency: string): Parsed {
  const decimals = decimalsOf(currency);
  const typed = text.trim();
  if (typed === '') return { problem: 'Enter an amount.' };
  if (/^[-−]/.test(typed)) return { problem: 'Enter an amount greater than zero, without a sign.' };
  const parts = split(typed, decimals);
  if (parts === 'ambiguous')
    return {
      problem: `Write ${typed.replace(',', '')} or ${typed.replace(',', '.')}: a comma here can be read both ways.`,
    };
  if (!parts) return { problem: `Enter digits only, such as ${example(decimals)}.` };
  const { whole, fraction } = parts;
  if (fraction.length > decimals) {
    return {
      problem: decimals === 0 ? `${currency} has no decimals.` : `${currency} has ${decimals} decimals at most.`,
    };
  }
  const minor = BigInt(whole + fraction.padEnd(decimals, '0'));
  if (minor === 0n) return { problem: 'Enter an amount greater than zero.' };
  if (minor > BigInt(Number.MAX_SAFE_INTEGER)) return { problem: 'This is more than can be booked at once.' };
  return { minor: Number(minor) };
}

const example = (decimals: number): string => (decimals === 0 ? '1250' : `1250.${'0'.repeat(decimals)}`);

type Parts = { whole: string; fraction: string };

function split(typed: string, decimals: number): Parts | 'ambiguous' | undefined {
  const found = /^([\d ,'’\u00a0\u202f]*?)(?:([.,])(\d*))?$/.exec(typed);
  if (!found) return undefined;
  const [, before = '', mark, after = ''] = found;
  const commas = typed.split(',').length - 1;
  if (mark === ',' && (commas > 1 || after.length === 3)) {
    // One comma before three digits groups thousands, unless they may as well be decimals.
    if (commas === 1 && decimals === 3 && /^\d{1,3}$/.test(before)) return 'ambiguous';
    return grouped(typed, '');
  }
  if (before === '' && after === '') return undefined;
  return grouped(before || '0', after);
}

function grouped(whole: string, fraction: string): Parts | undefined {
  if (!/^\d+$/.test(whole) && !GROUPS.test(whole)) return undefined;
  return { whole: whole.replaceAll(/\D/g, ''), fraction };
}

/** An amount as plain digits, such as `-1250.00`: for a field, or for a program. */
export function decimalOf(minor: number, currency: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals);
  return `${minor < 0 ? '-' : ''}${whole}${fraction && `.${fraction}`}`;
}

const MINUS = '\u2212';

/**
 * An amount to read, as the reader's language writes it: `$1,250.00`.
 *
 * @param signed also a plus, for what was added.
 */
export function formatMoney(minor: number, currency: string, { signed = false, locale = LOCALE } = {}): string {
  const sign = minor < 0 ? MINUS : signed && minor > 0 ? '+' : '';
  const [whole = '0', fraction = ''] = decimalOf(Math.abs(minor), currency).split('.');
  const parts = formatterOf(currency, locale).formatToParts(BigInt(whole));
  return sign + parts.map(({ type, value }) => (type === 'fraction' ? fraction : value)).join('');
}

const formatters = new Map<string, Intl.NumberFormat>();

function formatterOf(currency: string, locale: string): Intl.NumberFormat {
  const key = `${locale} ${currency}`;
  const known = formatters.get(key);
  if (known) return known;
  const digits = decimalsOf(currency);
  const made = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formatters.set(key, made);
  return made;
}

/** A currency's name, where the browser knows it. */
export function currencyName(currency: string): string {
  return new Intl.DisplayNames(LOCALE, { type: 'currency', fallback: 'code' }).of(currency) ?? currency;
}
