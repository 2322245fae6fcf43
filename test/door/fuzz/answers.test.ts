import { expect, test } from 'vitest';
import { type Answer, judge } from './answers.ts';
import type { Request } from './requests.ts';
import { clientSchema } from './schema.ts';

const wrongWith = judge(clientSchema());

const request = (query: string): Request => ({ as: 'alice', over: 'http', accept: '*/*', body: { query } });
const ACCOUNT = request('{ a: account(id: "1") { id balance { amount @skip(if: true) version } } }');
const answer = (result: unknown, status = 200, contentType = 'application/json; charset=utf-8'): Answer => ({
  over: 'http',
  status,
  contentType,
  text: typeof result === 'string' ? result : JSON.stringify(result),
});
const error = (message: string, code = 'BAD_USER_INPUT', more: object = {}) => ({
  errors: [{ message, extensions: { code, ...more } }],
});
const GOOD = { data: { a: { id: '1', balance: { version: 2 } } } };

test.each<[string, Request, Answer]>([
  ['what was selected', ACCOUNT, answer(GOOD)],
  ['nothing, where that may be', ACCOUNT, answer({ data: { a: null } })],
  ['a deliberate error', ACCOUNT, answer({ data: { a: null }, ...error('No.', 'FORBIDDEN') })],
  ['a refusal', request('{ nonsense }'), answer(error('No such field.', 'GRAPHQL_VALIDATION_FAILED'), 400)],
  ['silence over a socket', ACCOUNT, { over: 'socket', results: [] }],
])('a good answer: %s', (_, asked, given) => {
  expect(wrongWith(asked, given)).toEqual([]);
});

test.each<[string, RegExp, Answer, Request?]>([
  ['none', /no answer: timeout/, { over: 'nothing', reason: 'timeout' }],
  ['a closed socket', /closed: 4500/, { over: 'socket', results: [], closed: '4500' }],
  ['a failure of the server', /HTTP 500/, answer(GOOD, 500)],
  ['another content', /content-type: text\/html/, answer(GOOD, 200, 'text/html')],
  ['no JSON', /not JSON/, answer('<html>')],
  ['no result', /not a result/, answer({ message: 'No.' })],
  ['neither data nor errors', /neither data nor errors/, answer({ data: null })],
  ['an unexpected error', /INTERNAL_SERVER_ERROR/, answer(error('Unexpected', 'INTERNAL_SERVER_ERROR'))],
  ['an outage', /UNAVAILABLE/, answer(error('Try again.', 'UNAVAILABLE'))],
  ['an error that says more', /Unrecognized key/, answer(error('No.', 'FORBIDDEN', { stacktrace: [] }))],
  ['an address', /tells too much/, answer(error('connect ECONNREFUSED 10.0.0.1:27017'))],
  ['a stack', /tells too much/, answer(error('TypeError\n    at x (/srv/gateway/x.ts:1:1)'))],
  ['a fault of the code', /tells too much/, answer(error("Cannot read properties of undefined (reading 'x')"))],
  [
    'a field that was not selected',
    /not what was selected/,
    answer({ data: { a: { id: '1', balance: { version: 2, amount: 1 } } } }),
  ],
  ['a field that is missing', /non-nullable/, answer({ data: { a: { id: '1' } } })],
  ['a value of another type', /Int cannot represent/, answer({ data: { a: { id: '1', balance: { version: 'x' } } } })],
  ['a refusal of what is valid', /refused as invalid/, answer(error('No.', 'GRAPHQL_VALIDATION_FAILED'))],
  ['an answer to what is not', /not valid was answered/, answer({ data: {} }), request('{ nonsense }')],
  ['an answer to no question', /without a question/, answer(GOOD), { ...ACCOUNT, body: [] }],
  ['a bad one of many', /UNAVAILABLE/, { over: 'socket', results: [GOOD, error('Try again.', 'UNAVAILABLE')] }],
])('a bad answer: %s', (_, words, given, asked = ACCOUNT) => {
  expect(wrongWith(asked, given).join('\n')).toMatch(words);
});
