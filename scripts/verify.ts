/**
 * `npm run verify -- checkpoint.json [events.ndjson[.gz]] [--key public.pem]`: checks a signed checkpoint of the lake and, with an
 * export of it, that every event up to the checkpoint is as it was. It trusts nothing but these files.
 *
 * checkpoint.json is the `checkpoint` field's answer, or the whole answer around it. events.ndjson has a CloudEvent a line,
 * with `lakeposition` and `lakehash` beside its own attributes. Exit code 0: all is right; 1: it is not; 2: it cannot be said.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pipeline, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import type { Event } from '../events/event.ts';
import { type Checkpoint, isGenuine } from '../subgraphs/lake/checkpoint.ts';
import { GENESIS, hashAfter } from '../subgraphs/lake/hash.ts';

const USAGE = 'usage: npm run verify -- checkpoint.json [events.ndjson[.gz]] [--key public.pem]';

/** What was found wrong with what was given: exit code 1. */
class Untrue extends Error {}
/** What cannot be read or is not what it should be: exit code 2. */
class Unclear extends Error {}

const checkpointFields = z.object({
  system: z.string(),
  position: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.string(),
  publicKey: z.string(),
  signature: z.string(),
});
const answer = z.object({ data: z.object({ checkpoint: checkpointFields }) }).transform(({ data }) => data.checkpoint);
const field = z.object({ checkpoint: checkpointFields }).transform(({ checkpoint }) => checkpoint);
const checkpointFile = z.union([checkpointFields, answer, field]);

const place = z.looseObject({ lakeposition: z.int(), lakehash: z.string().optional() });

/**
 * @param args as on the command line.
 * @returns the exit code, and what to say.
 */
export async function verifyFiles(args: readonly string[]): Promise<{ code: 0 | 1 | 2; lines: string[] }> {
  const lines: string[] = [];
  try {
    const { values, positionals } = readArguments(args);
    const [checkpointPath, eventsPath, ...rest] = positionals;
    if (checkpointPath === undefined || rest.length > 0) throw new Unclear(USAGE);
    const checkpoint = await readCheckpoint(checkpointPath);
    lines.push(...checkSignature(checkpoint, values.key === undefined ? undefined : await readKey(values.key)));
    if (eventsPath !== undefined) lines.push(...(await checkEvents(checkpoint, eventsPath)));
    return { code: 0, lines };
  } catch (error) {
    if (error instanceof Untrue) return { code: 1, lines: [...lines, `WRONG: ${error.message}`] };
    if (error instanceof Unclear) return { code: 2, lines: [...lines, error.message] };
    throw error;
  }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { key: { type: 'string' } }, allowPositionals: true });
  } catch {
    throw new Unclear(USAGE);
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(error => {
    throw new Unclear(`${path} cannot be read: ${error.message}`);
  });
}

async function readCheckpoint(path: string): Promise<Checkpoint> {
  const parsed = checkpointFile.safeParse(parseJson(await readText(path)));
  if (parsed.success) return parsed.data;
  throw new Unclear(`${path} is no checkpoint: it needs system, position, hash, time, publicKey and signature.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readKey(path: string): Promise<KeyObject> {
  const text = await readText(path);
  try {
    return createPublicKey(text);
  } catch {
    throw new Unclear(`${path} is no public key.`);
  }
}

const derOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

function checkSignature(checkpoint: Checkpoint, pinned: KeyObject | undefined): string[] {
  const { system, position, time } = checkpoint;
  if (!isGenuine(checkpoint)) throw new Untrue('the signature is not that of this statement by the key that it names.');
  const der = derOf(createPublicKey(checkpoint.publicKey));
  if (pinned && !derOf(pinned).equals(der)) throw new Untrue('it was signed by another key than the one given.');
  const fingerprint = createHash('sha256').update(der).digest('hex');
  return [
    `The checkpoint of ${system} at position ${position}, ${time}, is signed by key ${fingerprint}.`,
    ...(pinned
      ? []
      : ['That key came with it: compare it with one that you have from elsewhere, or give it by --key.']),
  ];
}

/** Line by line, so that memory does not depend on the size of the export. */
async function checkEvents(checkpoint: Checkpoint, path: string): Promise<string[]> {
  const file = createReadStream(path);
  // The last stream of a pipeline fails with whichever of them fails.
  const input: Readable = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file;
  const failure = new Promise<never>((_, reject) =>
    input.once('error', error => reject(new Unclear(`${path} cannot be read: ${error.message}`))),
  );
  failure.catch(() => undefined);
  let position = 0;
  let hash = GENESIS;
  const check = (async () => {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line === '') continue;
      hash = followed(hash, position, line);
      position += 1;
      if (position === checkpoint.position && hash !== checkpoint.hash) {
        throw new Untrue(`the events up to position ${position} are not those that were signed.`);
      }
    }
  })();
  await Promise.race([check, failure]).finally(() => input.destroy());
  if (position < checkpoint.position) {
    throw new Untrue(`the export ends at position ${position}: what was signed goes on to ${checkpoint.position}.`);
  }
  if (checkpoint.position === 0 && checkpoint.hash !== GENESIS) throw new Untrue('an empty lake has another hash.');
  const more = position - checkpoint.position;
  return [
    `All ${checkpoint.position} events up to it are as they were.`,
    ...(more > 0 ? [`${more} more follow on, which no signature covers.`] : []),
  ];
}

/** The hash after a line. */
function followed(hash: string, position: number, line: string): string {
  const parsed = place.safeParse(parseJson(line));
  if (!parsed.success) throw new Unclear(`line ${position + 1} is no event with a lakeposition.`);
  const { lakeposition, lakehash, ...event } = parsed.data;
  if (position === 0 && lakeposition > 1) {
    throw new Unclear(`the export begins at position ${lakeposition}: the chain can only be computed from 1 on.`);
  }
  if (lakeposition !== position + 1) throw new Untrue(`position ${lakeposition} stands where ${position + 1} belongs.`);
  const expected = hashAfter(hash, event as unknown as Event);
  if (lakehash !== undefined && lakehash !== expected) {
    throw new Untrue(`position ${lakeposition} is not the event that was stored there, or follows another one.`);
  }
  return expected;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  void verifyFiles(process.argv.slice(2)).then(({ code, lines }) => {
    for (const line of lines) (code === 0 ? console.log : console.error)(line);
    process.exitCode = code;
  });
}
