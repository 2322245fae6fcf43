import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalOf, decimalsOf, formatMoney, parseAmount } from './money.ts';

const minorOf = (text: string, currency = 'USD') => {
  const parsed = parseAmount(text, currency);
  return 'minor' in parsed ? parsed.minor : parsed.problem;
};

describe('an amount that is typed', () => {
  test.each([
    ['12.5', 'USD', 1_250],
    ['12', 'USD', 1_200],
    ['.5', 'USD', 50],
    ['12.', 'USD', 1_200],
    ['0.01', 'USD', 1],
    ['1,250.00', 'USD', 125_000],
    ['1,234', 'USD', 123_400],
    ['1,234,567.89', 'USD', 123_456_789],
    ['12,50', 'EUR', 1_250],
    ['1 234,5', 'EUR', 123_450],
    ["1'234.05", 'CHF', 123_405],
    ['1250', 'JPY', 1_250],
    ['1,250', 'JPY', 1_250],
    ['1.234', 'KWD', 1_234],
    ['1,234.5', 'KWD', 1_234_500],
    ['1,2', 'KWD', 1_200],
    ['90071992547409.91', 'USD', Number.MAX_SAFE_INTEGER],
    ['  7 ', 'USD', 700],
    ['00012.30', 'USD', 1_230],
  ])('%s %s is %i minor units', (text, currency, minor) => {
    expect(minorOf(text, currency)).toBe(minor);
  });

  test.each([
    ['', 'USD', 'Enter an amount.'],
    ['abc', 'USD', /digits only/],
    ['1e3', 'USD', /digits only/],
    ['0x10', 'USD', /digits only/],
    ['.', 'USD', /digits only/],
    [',', 'USD', /digits only/],
    ['12,34,56', 'USD', /digits only/],
    ['1,2345.00', 'USD', /digits only/],
    ['1.234.567', 'USD', /digits only/],
    ['1,234 567', 'USD', /digits only/],
    ['-5', 'USD', /greater than zero/],
    ['0.00', 'USD', /greater than zero/],
    ['1.005', 'USD', 'USD has 2 decimals at most.'],
    ['1.234', 'EUR', 'EUR has 2 decimals at most.'],
    ['10.5', 'JPY', 'JPY has no decimals.'],
    ['1.2345', 'KWD', 'KWD has 3 decimals at most.'],
    ['1,234', 'KWD', 'Write 1234 or 1.234: a comma here can be read both ways.'],
    ['90071992547409.92', 'USD', /more than can be booked/],
  ])('%s %s is refused, and it is said why', (text, currency, problem) => {
    expect(minorOf(text, currency)).toEqual(problem instanceof RegExp ? expect.stringMatching(problem) : problem);
  });

  test('is read back exactly as it was written, in every currency', () => {
    const amount = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(amount, fc.constantFrom('USD', 'JPY', 'KWD', 'UYW'), (minor, currency) => {
        expect(minorOf(decimalOf(minor, currency), currency)).toBe(minor);
      }),
    );
  });
});

describe('an amount that is shown', () => {
  test.each([
    [125_000, 'USD', '$1,250.00'],
    [-50, 'USD', '−$0.50'],
    [0, 'USD', '$0.00'],
    [1_250, 'JPY', '¥1,250'],
    [1_480_250, 'KWD', 'KWD 1,480.250'],
    [Number.MAX_SAFE_INTEGER, 'USD', '$90,071,992,547,409.91'],
    [5, 'XYZ', 'XYZ 0.05'],
  ])('%i %s is %s', (minor, currency, text) => {
    expect(formatMoney(minor, currency).replaceAll('\u00a0', ' ')).toBe(text);
  });

  test('has a plus where it was added, when asked for', () => {
    expect(formatMoney(100, 'USD', { signed: true })).toBe('+$1.00');
    expect(formatMoney(-100, 'USD', { signed: true })).toBe('−$1.00');
    expect(formatMoney(0, 'USD', { signed: true })).toBe('$0.00');
  });

  test('has the decimals of ISO 4217', () => {
    expect(['USD', 'JPY', 'KWD', 'UYW', 'QQQ'].map(decimalsOf)).toEqual([2, 0, 3, 4, 2]);
  });
});
