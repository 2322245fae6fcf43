/** The audits of "GraphQL over HTTP" that the makers of the specification publish, against the gateway. */
import { type Audit, type AuditResult, serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, tokenOf } from '../../gateway/fixture.ts';

const POST_ONLY = 'GraphQL over GET is a MAY, and the gateway leaves it out: no mutation by a link, nothing in caches';
const PLAIN_STATUS =
  'a bad request is HTTP 400 whatever is accepted: a client, a proxy and a log see it without reading the body';

/** What does not pass, and why that is meant. Anything else has to pass, and these must not. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '5A70': POST_ONLY,
  D6D5: POST_ONLY,
  '6A70': POST_ONLY,
  '572B': PLAIN_STATUS,
  FDE2: PLAIN_STATUS,
  '7B9B': PLAIN_STATUS,
};

let started: Awaited<ReturnType<typeof startGateway>>;
let authorization: string;

beforeAll(async () => {
  // As `npm start` does: some audits ask for a part of the schema.
  started = await startGateway({ introspection: true });
  authorization = `Bearer ${await tokenOf('alice')}`;
});
afterAll(() => started.gateway.stop());

const audits: readonly Audit[] = serverAudits({
  url: () => `${started.gateway.url}/graphql`,
  fetchFn: (url: string, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', authorization);
    return fetch(url, { ...init, headers });
  },
});

const reasonOf = (result: AuditResult) => (result.status === 'ok' ? undefined : result.reason);

describe('GraphQL over HTTP', () => {
  test.each(audits.filter(({ id }) => !(id in EXCEPTIONS)))('$id $name', async ({ fn }) => {
    expect(reasonOf(await fn())).toBeUndefined();
  });

  test.each(audits.filter(({ id }) => id in EXCEPTIONS))('an exception, still: $id $name', async ({ fn }) => {
    expect(reasonOf(await fn())).toBeDefined();
  });

  test('no exception is from what one MUST', () => {
    const exceptions = audits.filter(({ id }) => id in EXCEPTIONS);
    expect(exceptions.map(({ id }) => id).sort()).toEqual(Object.keys(EXCEPTIONS).sort());
    expect(exceptions.filter(({ name }) => name.startsWith('MUST'))).toEqual([]);
  });
});
