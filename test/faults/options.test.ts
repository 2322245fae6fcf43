import { expect, test } from 'vitest';
import { chosen, readOptions } from './options.ts';
import type { Row } from './row.ts';
import { rowsFor } from './rows/index.ts';

const ROWS: readonly Pick<Row, 'name' | 'byNameOnly'>[] = [
  { name: 'first' },
  { name: 'long', byNameOnly: true },
  { name: 'last' },
];

test('options are taken as given', () => {
  expect(readOptions([])).toEqual({ names: undefined, list: false, write: false, events: 1_000_000 });
  expect(readOptions(['--row', 'last, long', '--write', '--events=5'])).toEqual({
    ...{ names: ['last', 'long'], list: false, write: true, events: 5 },
  });
  expect(readOptions(['--help', '--list'])).toBe('help');
});

test('rows are run in the order of the table, the longest by name only', () => {
  expect(chosen(ROWS, undefined).map(({ name }) => name)).toEqual(['first', 'last']);
  expect(chosen(ROWS, ['last', 'long', 'last']).map(({ name }) => name)).toEqual(['long', 'last']);
  const long = rowsFor({ events: 1 }).filter(({ byNameOnly }) => byNameOnly);
  expect(long.map(({ name }) => name)).toEqual(['crash-every-service', 'backlog']);
});

test.each([
  [['--loud']],
  [['backlog']],
  [['--events', 'many']],
  [['--events', '0']],
  [['--row']],
])('refused with what is wrong: %j', args => {
  expect(() => readOptions(args)).toThrow(expect.objectContaining({ name: 'UsageError' }));
});

test('a row that is not there is named', () => {
  expect(() => chosen(ROWS, ['first', 'lost', ''])).toThrow(/^there is no row "lost", ""/);
});
