import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

const at = { HOST: '127.0.0.1', PORT: 4200 };

test('by default it drives what npm start starts', () => {
  const defaults = { url: 'http://127.0.0.1:4000', seed: 1, owners: 200, concurrency: 32 };
  expect(readOptions([], { HOST: '127.0.0.1', PORT: undefined })).toEqual(defaults);
});

test.each([
  ['0.0.0.0', 'http://127.0.0.1:4200'],
  ['::', 'http://[::1]:4200'],
  ['::1', 'http://[::1]:4200'],
  ['bank.test', 'http://bank.test:4200'],
])('a server on %s is reached at %s', (HOST, url) => {
  expect(readOptions([], { ...at, HOST })).toMatchObject({ url });
});

test('options are taken as given', () => {
  const args = ['--url', 'https://bank.test', '--seed=9', '--owners', '3', '--concurrency', '1'];
  expect(readOptions(args, at)).toEqual({ url: 'https://bank.test', seed: 9, owners: 3, concurrency: 1 });
  expect(readOptions(['--help'], at)).toBe('help');
});

test.each([
  ['--owners', '0'],
  ['--owners', ''],
  ['--seed', '1.5'],
  ['--concurrency', 'x'],
  ['--url', 'bank'],
  ['--x'],
  ['x'],
])('refused with what is wrong: %s %s', (...args) => {
  expect(() =>
    readOptions(
      args.filter(arg => arg !== undefined),
      at,
    ),
  ).toThrow(expect.objectContaining({ name: 'ConfigError' }));
});
