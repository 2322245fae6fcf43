import { describe, expect, it } from 'vitest';
import type { Door } from './door.ts';
import { operatorsFields } from './schema.ts';

/** What an operator's field holds, deep down: refused at its root, whatever is asked for within. */
const NESTED = [
  '{ faults { nodes { id event { id data } } } }',
  '{ events { totalCount nodes { data } pageInfo { endCursor } } }',
  '{ services { faults } }',
  '{ own: accounts { nodes { id } } services { name } }',
  '{ statistics(interval: ALL) { deposited accounts } }',
];

export const operators = (doorNow: () => Door) =>
  describe("the operators' fields", () => {
    it('are all but a handful: a field that is new is theirs until somebody says otherwise', () => {
      const names = operatorsFields.map(({ name }) => name);
      expect(names).toEqual(
        expect.arrayContaining(['query statistics', 'query events', 'query event', 'query verifyLake', 'query replay']),
      );
      expect(names).toEqual(expect.arrayContaining(['query replays', 'query faults', 'query services']));
      expect(names).toEqual(expect.arrayContaining(['mutation replay', 'mutation cancelReplay', 'mutation resubmit']));
      expect(names).toEqual(expect.arrayContaining(['subscription replayProgress', 'subscription eventStored']));
    });

    it.each(operatorsFields)('are refused to an owner: $name', async ({ kind, document, variables }) => {
      const owner = await doorNow().client();
      const asked = { query: document, variables };
      for (const answer of kind === 'subscription' ? [] : [await owner.post(asked)]) {
        expect([answer.status, answer.data ?? null, answer.codes]).toEqual([200, nothing(answer.data), ['FORBIDDEN']]);
      }
      const answer = await owner.subscribe(asked);
      expect([answer.data ?? null, answer.codes]).toEqual([nothing(answer.data), ['FORBIDDEN']]);
    });

    it.each(NESTED)('are refused whatever is asked for in them: %s', async query => {
      const answer = await (await doorNow().client()).ask(query);
      expect([answer.data, answer.codes]).toEqual([null, ['FORBIDDEN']]);
    });

    it.each(operatorsFields)('are not refused to an operator: $name', async ({ kind, document, variables }) => {
      const operator = await doorNow().client({ roles: ['operator'] });
      // The live tail says nothing as long as nothing happens: that it was not refused shows in what comes after it.
      if (document.includes('eventStored')) return;
      const asked = { query: document, variables };
      const answer = kind === 'subscription' ? await operator.subscribe(asked) : await operator.post(asked);
      expect(answer.codes).not.toContain('FORBIDDEN');
    });

    it.each([
      ['as text', 'operator'],
      ['in capitals', ['OPERATOR']],
      ['as a part of another', ['operators']],
      ['as an object', { operator: true }],
      ['within a list', [['operator']]],
    ])('are refused to whoever has the role in a wrong way: %s', async (_, roles) => {
      const owner = await doorNow().client({ roles: roles as string[] });
      expect((await owner.ask('{ services { name } }')).codes).toEqual(['FORBIDDEN']);
    });
  });

/** No data, or none but nulls. */
const nothing = (data: unknown) => (data ? Object.fromEntries(Object.keys(data).map(name => [name, null])) : null);
