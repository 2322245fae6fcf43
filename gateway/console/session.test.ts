import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway } from '../fixture.ts';
import type { Gateway } from '../index.ts';

const signIn = {
  people: [
    { name: 'alice', roles: [] },
    { name: 'olga', roles: ['operator'] },
  ],
  sign: async ({ name, roles }: { name: string; roles: readonly string[] }) => `${name}:${roles.join()}`,
};

let gateway: Gateway;
let strict: Gateway;
beforeAll(async () => {
  gateway = (await startGateway({ signIn })).gateway;
  strict = (await startGateway()).gateway;
});
afterAll(() => Promise.all([gateway.stop(), strict.stop()]));

/** With any headers at all: `fetch` sets Host and Origin itself. */
async function ask(to: Gateway, method: string, headers: Record<string, string>, body?: string) {
  const sent = request({ host: '127.0.0.1', port: to.port, path: '/session', method, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  return { status: response.statusCode as number, json: JSON.parse(await text(response)) };
}

const own = () => ({
  host: `127.0.0.1:${gateway.port}`,
  origin: `http://127.0.0.1:${gateway.port}`,
  'content-type': 'application/json',
});

describe('a system with a secret of its own', () => {
  test('says who can be picked, and gives a token to its own page', async () => {
    expect((await ask(gateway, 'GET', { host: own().host })).json).toEqual({ people: signIn.people });
    expect(await ask(gateway, 'POST', own(), '{"name": "olga"}')).toEqual({
      status: 200,
      json: { token: 'olga:operator' },
    });
    const local = { ...own(), host: `localhost:${gateway.port}`, origin: `http://localhost:${gateway.port}` };
    expect(
      (await ask(gateway, 'POST', { ...local, 'sec-fetch-site': 'same-origin' }, '{"name": "alice"}')).status,
    ).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }],
    ['a page without an origin', { origin: 'null' }],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['another origin of this site', { 'sec-fetch-site': 'same-site' }],
    ['a name that leads here from outside', { host: 'evil.example', origin: 'http://evil.example' }],
    [
      'a name that only begins like this machine',
      { host: '127.0.0.1.evil.example', origin: 'http://127.0.0.1.evil.example' },
    ],
    ['a proxy', { 'x-forwarded-for': '203.0.113.9' }],
  ])('gives none to %s', async (_, headers) => {
    const { status, json } = await ask(gateway, 'POST', { ...own(), ...headers }, '{"name": "olga"}');
    expect([status, json.token, json.errors[0].extensions.code]).toEqual([403, undefined, 'FORBIDDEN']);
  });

  test('gives none to whoever sends no origin at all', async () => {
    const { origin: _, ...headers } = own();
    expect((await ask(gateway, 'POST', headers, '{"name": "olga"}')).status).toBe(403);
  });

  test.each<[number, string, Record<string, string>?]>([
    [404, '{"name": "mallory"}'],
    [400, '{"name": 1}'],
    [400, '{'],
    [400, 'name=olga', { 'content-type': 'application/x-www-form-urlencoded' }],
    [400, '{"name": "olga"}', { 'content-type': 'text/plain' }],
  ])('answers with HTTP %i to %s', async (status, body, headers = {}) => {
    expect((await ask(gateway, 'POST', { ...own(), ...headers }, body)).status).toBe(status);
  });
});

describe('a system whose tokens come from elsewhere', () => {
  test('has nobody to pick, and gives no token', async () => {
    expect((await ask(strict, 'GET', {})).json).toEqual({ people: [] });
    const headers = {
      'content-type': 'application/json',
      origin: `http://127.0.0.1:${strict.port}`,
      host: `127.0.0.1:${strict.port}`,
    };
    expect((await ask(strict, 'POST', headers, '{"name": "olga"}')).status).toBe(404);
  });
});
