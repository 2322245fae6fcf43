import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, get as httpGet, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STRICT_POLICY, servedApp } from './serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-pages-'));
const dist = join(folder, 'dist');
const server = createServer(
  express()
    .use(
      servedApp({
        dist: pathToFileURL(`${dist}/`),
        base: '/',
        pages: ['/', '/accounts', '/accounts/:id'],
        policy: STRICT_POLICY,
      }),
    )
    .use(
      servedApp({
        dist: pathToFileURL(`${dist}/`),
        base: '/',
        pages: ['/*path'],
        policy: STRICT_POLICY,
        missing: true,
      }),
    )
    .use((_request, response) => void response.status(404).send('nothing')),
);
let port = 0;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As it comes over the wire: `fetch` would decompress it, and would tidy the path. */
async function get(path: string, headers: Record<string, string> = {}) {
  const [response] = (await once(httpGet({ host: '127.0.0.1', port, path, headers, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

let builds = 0;
function build(page: string): void {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, 'assets'), { recursive: true });
  writeFileSync(join(dist, 'index.html'), page);
  writeFileSync(join(dist, 'assets', 'a-1.js'), 'plain');
  writeFileSync(join(dist, 'assets', 'a-1.js.gz'), gzipSync('plain'));
  writeFileSync(join(dist, 'secret.txt'), 'not of the build');
  const files = { 'index.html': { encodings: [] }, 'assets/a-1.js': { encodings: ['gzip'] } };
  writeFileSync(join(dist, 'build.json'), JSON.stringify({ hash: page, files }));
  builds++;
  utimesSync(join(dist, 'build.json'), builds, builds);
}

test('says in plain words what to do while there is no build', async () => {
  rmSync(dist, { recursive: true, force: true });
  const { status, headers, body } = await get('/');
  expect([status, headers['content-type']]).toEqual([503, 'text/plain; charset=utf-8']);
  expect(String(body)).toContain('npm run build');
  expect((await get('/assets/a-1.js')).status).toBe(404);
});

test('answers its page at each of its addresses, under a strict policy, to be asked for anew', async () => {
  build('first');
  for (const path of ['/', '/accounts', '/accounts/x?after=y']) {
    const { status, headers, body } = await get(path);
    expect([status, String(body)]).toEqual([200, 'first']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'cache-control': 'no-cache', etag: expect.any(String) });
  }
  expect((await get('/elsewhere')).status).toBe(404);
});

test('says where there is nothing with its page to a browser, and leaves programs to others', async () => {
  build('first');
  const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
  const { status, headers, body } = await get('/nope/at/all', browser);
  expect([status, String(body)]).toEqual([404, 'first']);
  expect(headers['content-security-policy']).toBe(STRICT_POLICY);
  for (const accept of ['*/*', 'application/json', 'image/avif,image/webp,*/*;q=0.8'])
    expect(String((await get('/nope', { accept })).body)).toBe('nothing');
  rmSync(dist, { recursive: true, force: true });
  expect(String((await get('/nope', browser)).body)).toBe('nothing');
});

test('takes a new build into use', async () => {
  build('first');
  expect(String((await get('/')).body)).toBe('first');
  build('second');
  expect(String((await get('/')).body)).toBe('second');
});

test('a page that has not changed is not sent again', async () => {
  build('first');
  const { etag = '' } = (await get('/')).headers;
  expect((await get('/', { 'if-none-match': etag })).status).toBe(304);
});

test('files are kept for ever, and sent as compressed as the browser takes them', async () => {
  build('first');
  const plain = await get('/assets/a-1.js');
  expect([plain.headers['content-encoding'], String(plain.body)]).toEqual([undefined, 'plain']);
  const zipped = await get('/assets/a-1.js', { 'accept-encoding': 'br, gzip' });
  expect([zipped.headers['content-encoding'], String(gunzipSync(zipped.body))]).toEqual(['gzip', 'plain']);
  expect(zipped.headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': 'text/javascript; charset=utf-8',
    vary: 'accept-encoding',
  });
});

test.each([
  '/secret.txt',
  '/build.json',
  '/index.html',
  '/assets/a-1.js.gz',
  '/../secret.txt',
  '/%2e%2e/dist/secret.txt',
  '/constructor',
])('%s is nothing of the build', async path => {
  build('first');
  expect((await get(path)).status).toBe(404);
});

test('an address that is none is refused', async () => {
  expect((await get('/assets/%')).status).toBe(400);
});
