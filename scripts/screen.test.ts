import { expect, test } from 'vitest';
import { DATA_DIR_DEFAULT } from './config.ts';
import { type Ready, readyScreen } from './screen.ts';

const USUAL: Ready = {
  url: 'http://127.0.0.1:4000',
  dataDir: DATA_DIR_DEFAULT,
  seconds: 1.23,
  tokens: { alice: 'A', olga: 'O' },
};

/** The lines of the screen that begin with a command. */
const commands = (ready: Ready) =>
  readyScreen(ready)
    .split('\n')
    .filter(line => /^ {2}(\S+ )*(curl|npm) /.test(line));

test('the commands of a usual start are short', () => {
  expect(readyScreen(USUAL)).toContain('more: npm run -s token -- NAME [operator])');
  expect(commands(USUAL)).toEqual([
    "  curl -s http://127.0.0.1:4000/graphql -H 'content-type: application/json' \\",
    '  npm run audit',
  ]);
});

test('what there is to look at is named, where a browser finds it', () => {
  const lines = readyScreen({ ...USUAL, url: 'http://0.0.0.0:4100' }).split('\n');
  expect(lines).toContain('  Console    http://127.0.0.1:4100/');
  expect(lines).toContain('  Playground http://127.0.0.1:4100/graphiql');
  expect(lines).toContain('  Queues     http://127.0.0.1:4100/queues   (operators)');
});

test('where the data are is said: in its folder, or on servers of one’s own', () => {
  const dataOf = (elsewhere?: string[]) =>
    /^ {2}Data +(.*)$/m.exec(readyScreen({ ...USUAL, dataDir: '/data', ...(elsewhere && { elsewhere }) }))?.[1];
  expect(dataOf()).toBe('/data');
  expect(dataOf(['REDIS_URL'])).toBe('/data, where REDIS_URL leads');
  expect(dataOf(['MONGODB_URL', 'REDIS_URL'])).toBe('where MONGODB_URL leads, where REDIS_URL leads');
});

test('each command carries what is not usual, so that it can be copied', () => {
  const ready = { ...USUAL, url: 'http://0.0.0.0:4100', dataDir: "/tmp/bob's" };
  const [curl, audit] = commands(ready);
  expect(curl).toContain('curl -s http://127.0.0.1:4100/graphql ');
  expect(audit).toBe("  DATA_DIR='/tmp/bob'\\''s' npm run audit -- --url http://127.0.0.1:4100");
  expect(readyScreen(ready)).toContain("$(DATA_DIR='/tmp/bob'\\''s' npm run -s token -- alice)");
});

test('where somebody else makes the tokens, the audit asks for one', () => {
  const { tokens: _, ...ready } = USUAL;
  expect(commands(ready)).toEqual(['  npm run audit -- --token OPERATOR']);
});
