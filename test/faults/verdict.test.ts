import { expect, test } from 'vitest';
import type { Client } from '../system.ts';
import { othersSeeNothing } from './verdict.ts';

type Answers = (query: string) => object | null;

const client = (answers: Answers): Client => ({
  ask: async <Data>(query: string) => ({ status: 200, data: answers(query) as Data }),
  get: () => Promise.reject(new Error('not asked')),
  socket: () => {
    throw new Error('not asked');
  },
});

const bankWith = (stranger: Answers) => ({
  accounts: [{ id: 'a', owner: 'ann' }],
  clientOf: () => client(() => ({ account: { id: 'a' } })),
  stranger: client(stranger),
});

test.each<[string, Answers]>([
  ['null', () => null],
  ['a null for the account', () => ({ account: null })],
])('a stranger who is answered %s sees nothing', async (_, answers) => {
  expect(await othersSeeNothing(bankWith(answers))).toEqual([]);
});

test('everything that a stranger is shown is a violation', async () => {
  const shown = await othersSeeNothing(bankWith(query => ({ some: query })));
  expect(shown).toEqual(Array(3).fill("eve received something of account a, which is ann's"));
});

test('so is a deposit that a stranger made', async () => {
  const shown = await othersSeeNothing(
    bankWith(query => (query.includes('deposit') ? { deposit: {} } : { account: null })),
  );
  expect(shown).toHaveLength(1);
});
