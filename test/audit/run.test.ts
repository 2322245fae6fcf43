/** The audit of a system that is made up: empty, and more or less at rest. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readConfig } from '../../scripts/config.ts';
import { audit } from './run.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Shown = { lagEvents?: number; lagSeconds?: number; grows?: boolean; code?: string };

/** Answers every query as a system without accounts; what it shows of itself may change with each verification. */
async function served({ lagEvents = 0, lagSeconds = 0, grows = false, code }: Shown): Promise<string> {
  let events = 0;
  const page = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  const answer = () => ({
    ...{ accounts: page, transfers: page, faults: page, events: { totalCount: events } },
    services: [{ name: 'lake', consumes: ['*'], emits: [], lagEvents, lagSeconds }],
    eventTypes: [],
    verifyLake: { valid: true, events: 0, head: 'abc', firstBadPosition: null },
  });
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.url !== '/graphql') return response.end('{"parts":{"account":{"state":"ok"}}}');
    if (code) return response.end(JSON.stringify({ errors: [{ message: 'no', extensions: { code } }] }));
    response.end(JSON.stringify({ data: answer() }));
    if (grows && body.includes('Verify')) events += 3;
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const secret = { AUTH_SECRET: 'x'.repeat(32) };
async function auditOf(shown: Shown, env: NodeJS.ProcessEnv = secret) {
  let text = '';
  const screen = {
    isTerminal: false,
    write(more: string) {
      text += more;
    },
  };
  const url = await served(shown);
  const { checks } = await audit({ url, waitSeconds: 0, json: false, config: readConfig(env), screen });
  return { violations: checks.flatMap(({ violations }) => violations), text };
}

test('a system without accounts is in order', async () => {
  const { violations, text } = await auditOf({});
  expect(violations).toEqual([]);
  expect(text).toMatch(/Coming to rest[\s\S]*Reading accounts[\s\S]*Verifying the lake/);
});

test('what stands still is a finding, not a reason to wait for ever', async () => {
  const { violations } = await auditOf({ lagEvents: 2, lagSeconds: 60 });
  expect(violations).toEqual(['2 in the queue of lake, the oldest for 60 s']);
});

test.each<[string, Shown, string, RegExp]>([
  ['the system is busy', { lagEvents: 2, lagSeconds: 0.5 }, 'NotAtRest', /2 in the queue of lake[\s\S]*--wait/],
  ['it was used meanwhile', { grows: true }, 'NotAtRest', /3 more events.*when nobody uses it/],
  ['another secret', { code: 'UNAUTHENTICATED' }, 'OutOfReach', /refuses the audit's token/],
  ['no operator', { code: 'FORBIDDEN' }, 'OutOfReach', /not an operator's/],
  ['another API', { code: 'WHAT' }, 'OutOfReach', /does not answer as Tributary does/],
])('it cannot be tried when %s', async (_, shown, name, message) => {
  await expect(auditOf(shown)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test("a token of somebody else's keys has to be given", async () => {
  const env = { ...secret, AUTH_JWKS_URL: 'http://keys.test' };
  await expect(auditOf({}, env)).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining('--token'),
  });
});
