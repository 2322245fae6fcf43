import { SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { OutOfReach, type QueueBrowser } from '../../events/browse.ts';
import { identities, recordingLog, SECRET, startGateway, tokenOf } from '../fixture.ts';
import { tokenVerifier } from '../identity.ts';
import { queuePages } from './index.ts';
import { passOf } from './pass.ts';

const olga = () => tokenOf('olga', '1h', ['operator']);
const HTML = { accept: 'text/html,application/xhtml+xml' };

type Refusal = { message: string; errors: { message: string; extensions: { code: string } }[] };
const refusalOf = async (response: Response) => (await response.json()) as Refusal;

/** A gateway with pages of queues, of which there are none. */
async function started({ writable = false, browser }: { writable?: boolean; browser?: QueueBrowser | null } = {}) {
  let looks = 0;
  const empty: QueueBrowser = {
    look: async () => {
      looks += 1;
      return [];
    },
    stir: async () => undefined,
    close: async () => undefined,
  };
  const pages = queuePages({
    browser: browser === null ? undefined : (browser ?? empty),
    tokens: tokenVerifier({ secret: SECRET }),
    secret: SECRET,
    writable,
    log: recordingLog().log,
  });
  const { gateway } = await startGateway({ pages });
  onTestFinished(() => gateway.stop());
  const ask = (path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(gateway.url + path, { redirect: 'manual', headers: { ...headers }, ...init });
  return {
    url: gateway.url,
    looks: () => looks,
    ask,
    /** Gets a pass, as the console does. */
    async enter(token?: string): Promise<Record<string, string>> {
      const authorization = `Bearer ${token ?? (await olga())}`;
      const response = await ask('/queues/session', { method: 'POST', headers: { authorization } });
      return { cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '' };
    },
  };
}

test('without a pass there is a page that says how to get in, and no redirect', async () => {
  const { ask, looks } = await started();
  const response = await ask('/queues', { headers: HTML });
  expect([response.status, response.headers.get('location')]).toEqual([401, null]);
  const page = await response.text();
  expect(page).toContain('<a class="button" href="/signin">');
  expect(page).not.toContain('http-equiv');
  for (const path of ['/queues/api/queues', '/queues/static/js/main.js', '/queues/events/q/1']) {
    const refused = await ask(path);
    expect([path, refused.status, (await refusalOf(refused)).errors[0]?.extensions.code]).toEqual([
      path,
      401,
      'UNAUTHENTICATED',
    ]);
  }
  expect(looks()).toBe(0);
});

test('an operator gets a pass that scripts cannot read and other sites cannot send, for half an hour', async () => {
  const { ask, enter } = await started();
  const headers = { authorization: `Bearer ${await olga()}` };
  const response = await ask('/queues/session', { method: 'POST', headers });
  expect(response.status).toBe(204);
  expect(response.headers.get('set-cookie')).toMatch(
    /^tributary-queues=[\w.-]+; Path=\/queues; Max-Age=1800; HttpOnly; SameSite=Strict$/,
  );
  expect((await ask('/queues/api/queues', { headers: await enter() })).status).toBe(200);
});

test('behind https the pass is for https alone', async () => {
  const { ask } = await started();
  const headers = { authorization: `Bearer ${await olga()}`, 'x-forwarded-proto': 'https' };
  const response = await ask('/queues/session', { method: 'POST', headers });
  expect(response.headers.get('set-cookie')).toMatch(/; Secure$/);
});

test('a pass does not outlive the token that it was given for', async () => {
  const { ask } = await started();
  const headers = { authorization: `Bearer ${await tokenOf('olga', '60s', ['operator'])}` };
  const response = await ask('/queues/session', { method: 'POST', headers });
  const [, seconds] = /Max-Age=(\d+)/.exec(response.headers.get('set-cookie') ?? '') ?? [];
  expect(Number(seconds)).toBeGreaterThan(50);
  expect(Number(seconds)).toBeLessThanOrEqual(60);
});

test('whoever leaves has no pass any more', async () => {
  const { ask } = await started();
  const response = await ask('/queues/session', { method: 'DELETE' });
  expect([response.status, response.headers.get('set-cookie')]).toEqual([
    204,
    'tributary-queues=; Path=/queues; Max-Age=0; HttpOnly; SameSite=Strict',
  ]);
});

test("a client's token is refused, as a token and for a pass", async () => {
  const { ask, looks } = await started();
  const headers = { authorization: `Bearer ${await tokenOf('alice')}` };
  const session = await ask('/queues/session', { method: 'POST', headers });
  expect([session.status, session.headers.get('set-cookie')]).toEqual([403, null]);
  expect((await ask('/queues/api/queues', { headers })).status).toBe(403);
  expect((await ask('/queues', { headers: { ...headers, ...HTML } })).status).toBe(403);
  expect(looks()).toBe(0);
});

test("an operator's token does without a pass; a bad one gets none", async () => {
  const { ask } = await started();
  const headers = { authorization: `Bearer ${await olga()}` };
  expect((await ask('/queues/api/queues', { headers })).status).toBe(200);
  for (const authorization of [
    'Bearer nonsense',
    `Bearer ${await tokenOf('olga', '-1s', ['operator'])}`,
    'Basic b2xnYQ==',
  ])
    expect((await ask('/queues/session', { method: 'POST', headers: { authorization } })).status).toBe(401);
  expect((await ask('/queues/session', { method: 'POST' })).status).toBe(401);
});

test('a pass that is expired, forged or something else is none', async () => {
  const { ask, enter } = await started();
  const good = await enter();
  const claims = () =>
    new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject('olga').setIssuer('tributary-gateway');
  const cookies = {
    expired: (await passOf(SECRET).issue('olga', Date.now() - 1_000, false)).split(';')[0] ?? '',
    'of another system': (await passOf(`${SECRET}!`).issue('olga', Date.now() + 60_000, false)).split(';')[0] ?? '',
    'signed with AUTH_SECRET itself': `tributary-queues=${await claims()
      .setAudience('tributary-queues')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(SECRET))}`,
    "an operator's token": `tributary-queues=${await olga()}`,
    'what the gateway tells its services': `tributary-queues=${await identities.sign({ ownerId: 'olga', operator: true })}`,
    'changed on its way': good.cookie?.replace(/.$/, last => (last === 'A' ? 'B' : 'A')).replace('.', '.e') ?? '',
    empty: 'tributary-queues=',
  };
  for (const [what, cookie] of Object.entries(cookies))
    expect([what, (await ask('/queues/api/queues', { headers: { cookie } })).status]).toEqual([what, 401]);
  expect((await ask('/queues/api/queues', { headers: good })).status).toBe(200);
});

test('a pass is good for nothing but the queues', async () => {
  const { ask, enter } = await started();
  const { cookie = '' } = await enter();
  const authorization = `Bearer ${cookie.replace('tributary-queues=', '')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const answer = await ask('/graphql', { method: 'POST', headers, body: '{"query": "{ __typename }"}' });
  expect(answer.status).toBe(401);
});

test('the board asks nothing of other servers, and its policy would not let it', async () => {
  const { ask, enter } = await started();
  const response = await ask('/queues', { headers: { ...HTML, ...(await enter()) } });
  const page = await response.text();
  expect([response.status, page]).toEqual([200, expect.stringContaining('Tributary queues')]);
  expect(page.match(/\b(href|src)="(https?:)?\/\/[^"]*"/g)).toBeNull();
  expect(page).not.toMatch(/<style| style="/);
  expect(page).toContain('files/links.js');
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:/);
  expect(response.headers.get('x-powered-by')).toBeNull();
});

test('nothing can be changed where that is not allowed', async () => {
  const { ask, enter, url } = await started();
  const headers = { ...(await enter()), origin: url };
  for (const [method, path] of [
    ['PUT', '/queues/api/queues/q/pause'],
    ['PUT', '/queues/api/queues/pause'],
    ['PUT', '/queues/api/queues/q/1/clean'],
    ['POST', '/queues/api/queues/q/add'],
    ['PATCH', '/queues/api/queues/q/1/update-data'],
  ]) {
    const response = await ask(path ?? '', { method: method ?? '', headers });
    expect([path, response.status, (await refusalOf(response)).message]).toEqual([
      path,
      403,
      expect.stringContaining('QUEUES_WRITABLE'),
    ]);
  }
});

test('where it is allowed, only from the page itself, and only what loses no events unseen', async () => {
  const { ask, enter, url } = await started({ writable: true });
  const pass = await enter();
  const put = async (path: string, headers: Record<string, string>, method = 'PUT') =>
    (await ask(`/queues/api/queues/${path}`, { method, headers: { ...pass, ...headers } })).status;
  // 404 is the board's own: it was asked, and has no such queue.
  expect(await put('q/pause', { origin: url })).toBe(404);
  expect(await put('q/1/retry', { origin: url, 'sec-fetch-site': 'same-origin' })).toBe(404);
  expect(await put('q/pause', {})).toBe(403);
  expect(await put('q/pause', { origin: 'https://elsewhere.example' })).toBe(403);
  expect(await put('q/pause', { origin: 'null' })).toBe(403);
  expect(await put('q/pause', { origin: url, 'sec-fetch-site': 'same-site' })).toBe(403);
  expect(await put('q/obliterate', { origin: url })).toBe(403);
  expect(await put('q/empty', { origin: url })).toBe(403);
  expect(await put('q/clean/waiting', { origin: url })).toBe(403);
  expect(await put('q/add', { origin: url }, 'POST')).toBe(403);
  expect(await put('q/1/update-data', { origin: url }, 'PATCH')).toBe(403);
  // A program's token is sent by no browser of its own accord.
  const authorization = `Bearer ${await olga()}`;
  expect((await ask('/queues/api/queues/q/pause', { method: 'PUT', headers: { authorization } })).status).toBe(404);
});

test('queues that are out of reach are a clear 503, to people and to programs', async () => {
  const away: QueueBrowser = {
    look: async () => {
      throw new OutOfReach('Redis cannot be reached right now.', { cause: new Error('connect ECONNREFUSED 10.0.0.1') });
    },
    stir: async () => undefined,
    close: async () => undefined,
  };
  const { ask, enter } = await started({ browser: away });
  const pass = await enter();
  const page = await ask('/queues', { headers: { ...HTML, ...pass } });
  expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
  const text = await page.text();
  expect(text).toContain('Redis cannot be reached right now.');
  expect(text).not.toContain('10.0.0.1');
  const api = await ask('/queues/api/queues', { headers: pass });
  expect([api.status, await api.json()]).toEqual([
    503,
    expect.objectContaining({
      errors: [{ message: 'Redis cannot be reached right now.', extensions: { code: 'UNAVAILABLE' } }],
    }),
  ]);
});

test('a gateway that was not told where the queues are says so', async () => {
  const { ask, enter } = await started({ browser: null });
  const api = await ask('/queues/api/queues', { headers: await enter() });
  expect([api.status, (await refusalOf(api)).message]).toEqual([503, expect.stringContaining('REDIS_URL')]);
});
