import { describe, expect, it } from 'vitest';
import type { Door } from './door.ts';

const REFUSED: [string, string][] = [
  ['a parameter that there is not', 'first=3'],
  ['two of one', 'subject=a&subject=b'],
  ['an operator of a database', 'subject[$ne]=a'],
  ['a part of a prototype', '__proto__=a'],
  ['types that are none', 'types=,'],
  ['a time that is none', 'from=2026-02-30T00:00:00Z'],
  ['a position that is none', 'after=1e3'],
  ['a subject that is too long', `subject=${'x'.repeat(401)}`],
];

export const exports = (doorNow: () => Door) =>
  describe('an export of the lake', () => {
    async function ask(query = '', options: { roles?: string[]; url?: string } = {}) {
      const door = doorNow();
      const { roles = ['operator'], url = door.url } = options;
      const { token } = await door.client({ roles });
      return door.get(`${url}/lake/events.ndjson${query}`, { authorization: `Bearer ${token}` });
    }

    it('is for operators', async () => {
      const owner = await ask('', { roles: [] });
      expect([owner.status, owner.codes, owner.data]).toEqual([403, ['FORBIDDEN'], undefined]);
      const operator = await ask();
      expect([operator.status, operator.headers.get('content-type')]).toEqual([
        200,
        'application/x-ndjson; charset=utf-8',
      ]);
    });

    it.each(REFUSED)('is refused with %s', async (_, query) => {
      const answer = await ask(`?${query}`);
      expect([answer.status, answer.codes, answer.data]).toEqual([400, ['BAD_USER_INPUT'], undefined]);
    });

    it('says that the lake is away, and nothing of where it was', async () => {
      const answer = await ask('', { url: doorNow().persistedOnly.url });
      expect([answer.status, answer.codes]).toEqual([503, ['UNAVAILABLE']]);
    });

    it('cannot be asked for through the schema that clients see', async () => {
      const operator = await doorNow().client({ roles: ['operator'] });
      expect((await operator.ask('{ eventLines { text } }')).codes).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    });
  });
