/**
 * Checkpoints: what the lake said its hash was at a position, signed. Whoever keeps one can prove later, with the public
 * key and an export, that nothing up to that position has been touched (scripts/verify.ts). The lake keeps some itself,
 * so that rows cut off at its end are missed; against somebody who can write to its database, only a checkpoint and a
 * public key kept elsewhere are proof.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Collection } from 'mongodb';
import { type Clock, timestamp } from '../../events/clock.ts';
import { ignoreDuplicates } from '../../events/errors.ts';
import { GENESIS } from './hash.ts';
import type { LakeRow } from './store.ts';

/** `system`: the lake's database, which tells systems apart. `hash`: of the event at `position`. */
export type Statement = { system: string; position: number; hash: string; time: string };

/** `publicKey`: Ed25519, SPKI as PEM. `signature`: base64, over `statementText`. */
export type Checkpoint = Statement & { publicKey: string; signature: string };

export type CheckpointRow = Checkpoint & { _id: number };
/** `privateKey`: PKCS #8 as PEM. */
export type KeyRow = { _id: string; privateKey: string };

/** One is recorded at every so many events, */
const EVERY_EVENTS = 10_000;
/** and after this time if there are new events: what is cut off within it is not missed. */
const EVERY_MS = 60_000;
/** Older ones say nothing that newer ones do not. */
const KEPT = 100;

/** What is signed: canonical JSON (RFC 8785) that says what it is. */
export function statementText({ system, position, hash, time }: Statement): string {
  return canonicalize({ type: 'tributary-lake-checkpoint', version: 1, system, position, hash, time }) ?? '';
}

/** Whether a checkpoint was signed by the key that it names, and says what was signed. */
export function isGenuine({ publicKey, signature, ...statement }: Checkpoint): boolean {
  try {
    const key = createPublicKey(publicKey);
    if (key.asymmetricKeyType !== 'ed25519') return false;
    return verify(null, Buffer.from(statementText(statement)), key, Buffer.from(signature, 'base64'));
  } catch {
    // A key or signature that is none.
    return false;
  }
}

export function signStatement(statement: Statement, privateKey: KeyObject): Checkpoint {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  const signature = sign(null, Buffer.from(statementText(statement)), privateKey).toString('base64');
  return { ...statement, publicKey, signature };
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

/** @param system names the lake in what it signs. */
export function createCheckpoints(options: {
  collection: Collection<CheckpointRow>;
  keys: Collection<KeyRow>;
  system: string;
  clock: Clock;
}) {
  const { collection, keys, system, clock } = options;
  let key: KeyObject | undefined;

  /** Made once for all processes, and kept. */
  async function privateKey(): Promise<KeyObject> {
    if (key) return key;
    const find = () => keys.findOne({ _id: 'checkpoint' });
    if (!(await find())) {
      const made = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      await keys.insertOne({ _id: 'checkpoint', privateKey: made }).catch(ignoreDuplicates);
    }
    const kept = await find();
    if (!kept) throw new Error('the key of the checkpoints was removed while it was made');
    key = createPrivateKey(kept.privateKey);
    return key;
  }

  async function at(position: number, hash: string): Promise<Checkpoint> {
    return signStatement({ system, position, hash, time: timestamp(clock.now()) }, await privateKey());
  }

  async function record({ version, hash }: Pick<LakeRow, 'version' | 'hash'>): Promise<void> {
    const checkpoint = await at(version, hash);
    await collection.insertOne({ _id: version, ...checkpoint }).catch(ignoreDuplicates);
    const [, ...outdated] = await collection
      .find()
      .sort({ _id: -1 })
      .limit(KEPT + 10)
      .batchSize(KEPT + 10)
      .toArray()
      .then(all => all.slice(KEPT - 1));
    for (const { _id } of outdated) await collection.deleteOne({ _id });
  }

  return {
    /** Signs a position of the lake now. */
    at,

    /** Records those of some rows, just stored, whose turn it is. */
    async note(appended: readonly LakeRow[]): Promise<void> {
      for (const row of appended) if (row.version % EVERY_EVENTS === 0) await record(row);
    },

    /** Those recorded, 100 at most, oldest first; `genuine` when the signature is right. */
    async recorded(): Promise<(Checkpoint & { genuine: boolean })[]> {
      const newest = await collection.find().sort({ _id: -1 }).limit(KEPT).batchSize(KEPT).toArray();
      return newest.reverse().map(({ _id, ...checkpoint }) => ({
        ...checkpoint,
        genuine: _id === checkpoint.position && isGenuine(checkpoint),
      }));
    },

    /** Records one every minute if there is something new, until it is told to stop. Any number of processes may. */
    async keepRecording(head: () => Promise<LakeRow | null>, signal: AbortSignal, onError: (error: unknown) => void) {
      while (!signal.aborted) {
        await clock.sleep(EVERY_MS, signal);
        if (signal.aborted) return;
        await recordIfDue(head).catch(onError);
      }
    },
  };

  async function recordIfDue(head: () => Promise<LakeRow | null>): Promise<void> {
    const [newest] = await collection.find().sort({ _id: -1 }).limit(1).toArray();
    // Of several processes one is enough.
    if (newest && Math.abs(clock.now() - Date.parse(newest.time)) < EVERY_MS / 2) return;
    const row = await head();
    if (row && row.version > (newest?.position ?? 0)) await record(row);
  }
}

/** A checkpoint of the lake as it is now; of an empty one, the hash that the first event will follow. */
export async function checkpointNow(
  { head }: { head: () => Promise<LakeRow | null> },
  { at }: Checkpoints,
): Promise<Checkpoint> {
  const newest = await head();
  return at(newest?.version ?? 0, newest?.hash ?? GENESIS);
}
