import { expect, test } from 'vitest';
import { readToken } from './session.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const encode = (value: unknown) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const tokenOf = (claims: unknown) => `e30.${encode(claims)}.c2ln`;
const exp = NOW_MS / 1000 + 60;

test('says whose it is, until when, and whether they are an operator', () => {
  const token = tokenOf({ sub: 'ålice', exp });
  expect(readToken(token, NOW_MS)).toEqual({ token, owner: 'ålice', operator: false, expiresAtMs: exp * 1000 });
  expect(readToken(tokenOf({ sub: 'olga', exp, roles: ['operator'] }), NOW_MS).operator).toBe(true);
});

test('may be pasted with what stood around it', () => {
  const token = tokenOf({ sub: 'alice', exp });
  expect(readToken(`  Bearer ${token}\n`, NOW_MS).token).toBe(token);
});

test.each([
  ['alice', 'This is no token'],
  ['a.b.c', 'This is no token'],
  [`e30.${encode('text')}.c2ln`, 'This is no token'],
  [tokenOf({ exp }), 'does not say whose'],
  [tokenOf({ sub: 'alice' }), 'until when'],
  [tokenOf({ sub: 'alice', exp: NOW_MS / 1000 }), 'has expired'],
])('%s is refused, and it is said why', (token, problem) => {
  expect(() => readToken(token, NOW_MS)).toThrow(problem);
});
