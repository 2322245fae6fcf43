import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { happenings } from '../events/fixture.ts';
import { type Checkpoint, signStatement } from '../subgraphs/lake/checkpoint.ts';
import { GENESIS, hashAfter } from '../subgraphs/lake/hash.ts';
import { verifyFiles } from './verify.ts';

const TIME = '2026-01-31T12:00:00.000Z';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

type Line = { lakeposition: number; lakehash: string; data: unknown };

/** An export of ten events, and the checkpoint at the eighth. */
function exported(): { lines: Line[]; checkpoint: Checkpoint } {
  let hash = GENESIS;
  const lines = happenings(10).map((event, index) => {
    hash = hashAfter(hash, event);
    return { ...event, lakeposition: index + 1, lakehash: hash };
  });
  const statement = { system: 'tributary-lake', position: 8, hash: lines[7]?.lakehash ?? '', time: TIME };
  return { lines, checkpoint: signStatement(statement, privateKey) };
}

const ndjson = (lines: readonly object[]) => lines.map(line => `${JSON.stringify(line)}\n`).join('');

async function files(contents: Record<string, string | Buffer>): Promise<(name: string) => string> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(contents)) await writeFile(join(dir, name), text);
  return name => join(dir, name);
}

async function verify(checkpoint: object, lines?: readonly object[], key?: string) {
  const path = await files({
    'c.json': JSON.stringify(checkpoint),
    'e.ndjson': ndjson(lines ?? []),
    'k.pem': key ?? '',
  });
  return verifyFiles([path('c.json'), ...(lines ? [path('e.ndjson')] : []), ...(key ? ['--key', path('k.pem')] : [])]);
}

const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

test('a checkpoint, a key and an export that belong together are right', async () => {
  const { lines, checkpoint } = exported();
  const { code, lines: said } = await verify(checkpoint, lines, pem);
  expect(said).toEqual([
    expect.stringMatching(/^The checkpoint of tributary-lake at position 8, .* is signed by key [0-9a-f]{64}\.$/),
    'All 8 events up to it are as they were.',
    '2 more follow on, which no signature covers.',
  ]);
  expect(code).toBe(0);
});

test('an export may be compressed, as it came', async () => {
  const { lines, checkpoint } = exported();
  const packed = gzipSync(ndjson(lines));
  const path = await files({
    'c.json': JSON.stringify(checkpoint),
    'e.ndjson.gz': packed,
    'cut.ndjson.gz': packed.subarray(0, -20),
  });
  expect(await verifyFiles([path('c.json'), path('e.ndjson.gz')])).toMatchObject({ code: 0 });
  const cut = await verifyFiles([path('c.json'), path('cut.ndjson.gz')]);
  expect(cut).toMatchObject({ code: 2 });
  expect(cut.lines.at(-1)).toMatch(/cannot be read: unexpected end of file/);
});

test('without a key it says that the key has to be compared', async () => {
  const { checkpoint } = exported();
  expect(await verify({ data: { checkpoint } })).toMatchObject({
    code: 0,
    lines: [{}, expect.stringMatching(/--key/)],
  });
});

test.each<[string, Partial<Checkpoint>]>([
  ['position', { position: 7 }],
  ['hash', { hash: GENESIS }],
  ['time', { time: '2027-01-31T12:00:00.000Z' }],
  ['system', { system: 'another' }],
  ['signature', { signature: 'AAAA' }],
])('a checkpoint with another %s is wrong', async (_, change) => {
  const { checkpoint } = exported();
  expect(await verify({ ...checkpoint, ...change })).toMatchObject({ code: 1 });
});

test('a checkpoint signed by another key is wrong when the key is pinned', async () => {
  const { checkpoint } = exported();
  const forged = signStatement(checkpoint, generateKeyPairSync('ed25519').privateKey);
  expect(await verify(forged)).toMatchObject({ code: 0 });
  expect(await verify(forged, undefined, pem)).toMatchObject({
    code: 1,
    lines: [expect.stringMatching(/another key/)],
  });
});

test.each<[string, (lines: Line[]) => Line[], RegExp]>([
  ['changed', lines => lines.map((line, at) => (at === 4 ? { ...line, data: { n: 99 } } : line)), /position 5 is not/],
  ['removed', lines => lines.filter((_, at) => at !== 4), /position 6 stands where 5 belongs/],
  ['swapped', lines => [...lines.slice(0, 3), ...lines.slice(3, 5).reverse(), ...lines.slice(5)], /position 5 stands/],
  ['cut off', lines => lines.slice(0, 7), /ends at position 7: .* to 8/],
])('an export with events that were %s is wrong', async (_, damage, message) => {
  const { lines, checkpoint } = exported();
  const { code, lines: said } = await verify(checkpoint, damage(lines));
  expect(said.at(-1)).toMatch(message);
  expect(code).toBe(1);
});

test('an export whose hashes were all computed anew is not the one that was signed', async () => {
  const { lines, checkpoint } = exported();
  let hash = GENESIS;
  const forged = lines.map(({ lakeposition, lakehash: _, ...event }) => {
    const changed = { ...event, data: lakeposition === 3 ? { n: 99 } : event.data };
    hash = hashAfter(hash, changed as unknown as Parameters<typeof hashAfter>[1]);
    return { ...changed, lakeposition, lakehash: hash };
  });
  expect(await verify(checkpoint, forged)).toMatchObject({
    code: 1,
    lines: [{}, {}, expect.stringMatching(/not those that were signed/)],
  });
});

test('what cannot be read is neither right nor wrong: exit code 2', async () => {
  const { lines, checkpoint } = exported();
  const path = await files({
    'c.json': JSON.stringify(checkpoint),
    'no.json': '{',
    'late.ndjson': ndjson(lines.slice(3)),
  });
  for (const args of [
    [],
    ['--unknown'],
    [path('missing.json')],
    [path('no.json')],
    [path('c.json'), path('missing.ndjson')],
    [path('c.json'), path('no.json')],
    [path('c.json'), path('late.ndjson')],
    [path('c.json'), '--key', path('no.json')],
  ]) {
    expect(await verifyFiles(args), args.join(' ')).toMatchObject({ code: 2 });
  }
  const script = fileURLToPath(new URL('verify.ts', import.meta.url));
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', script, path('no.json')]);
  await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(/is no checkpoint/) });
});
