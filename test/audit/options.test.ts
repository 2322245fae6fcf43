import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('by default it audits what npm start starts', () => {
  expect(readOptions([], {})).toEqual({ url: 'http://127.0.0.1:4000', waitSeconds: 30, json: false });
  expect(readOptions([], { PORT: 4200 })).toMatchObject({ url: 'http://127.0.0.1:4200' });
});

test('options are taken as given', () => {
  const args = ['--url', 'https://bank.test', '--token=t', '--wait', '0', '--json'];
  expect(readOptions(args, {})).toEqual({ url: 'https://bank.test', token: 't', waitSeconds: 0, json: true });
  expect(readOptions(['--help'], {})).toBe('help');
});

test.each([
  [['--url', 'bank']],
  [['--wait', '']],
  [['--wait', '-1']],
  [['--wait', '1.5']],
  [['--wait', '86401']],
  [['--json=1']],
  [['--loud']],
  [['x']],
])('refused with what is wrong: %j', args => {
  expect(() => readOptions(args, {})).toThrow(expect.objectContaining({ name: 'ConfigError' }));
});
