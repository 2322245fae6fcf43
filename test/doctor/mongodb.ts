/** MongoDB: whether it answers, whether what it acknowledges is durable, and whether the URL takes something of that away. */
import { MongoClient } from 'mongodb';
import { MONGODB } from '../../scripts/process.ts';
import { check, type Finding, note, ok } from './findings.ts';

const SLOW_MS = 20;
/** The oldest that the driver speaks to. */
const OLDEST = [4, 4] as const;

export type MongodbFacts = {
  version: string;
  /** The project's own server. */
  embedded: boolean;
  replicaSet: string | undefined;
  sharded: boolean;
  writable: boolean;
  /** Of the storage engine; undefined when nobody may ask. */
  persistent: boolean | undefined;
  /** Whether majority means on disk; undefined when nobody may ask. */
  majorityIsJournaled: boolean | undefined;
  /** As the services' own client understands the URL. */
  client: { w: unknown; journal: unknown; readPreference: string };
  roundTripMs: number;
};

/** A client as the services have it. */
export const clientFor = (url: string): MongoClient => new MongoClient(url, { ...MONGODB, maxPoolSize: 4 });

/** @throws when it does not answer. */
export async function askMongodb(mongo: MongoClient): Promise<MongodbFacts> {
  const admin = mongo.db('admin');
  const hello = await admin.command({ hello: 1 });
  const startedMs = performance.now();
  await admin.command({ ping: 1 });
  const roundTripMs = performance.now() - startedMs;
  const { version, modules = [] } = await admin.command({ buildInfo: 1 });
  const embedded = Array.isArray(modules) && modules.includes('tributary-embedded');
  // Neither is everybody's to ask, and the embedded server has neither.
  const [status, replication] = embedded
    ? []
    : await Promise.all([
        admin.command({ serverStatus: 1 }).catch(() => undefined),
        admin.command({ replSetGetConfig: 1 }).catch(() => undefined),
      ]);
  const { writeConcern, readPreference } = mongo.options;
  return {
    ...{ version: String(version), embedded, roundTripMs },
    replicaSet: hello.setName,
    sharded: hello.msg === 'isdbgrid',
    writable: hello.isWritablePrimary === true,
    persistent: status?.storageEngine?.persistent,
    majorityIsJournaled: replication?.config?.writeConcernMajorityJournalDefault,
    client: { w: writeConcern?.w, journal: writeConcern?.journal, readPreference: readPreference.mode },
  };
}

/** Pure. */
export function judgeMongodb(facts: MongodbFacts): Finding[] {
  const { version, writable, persistent, majorityIsJournaled, client, roundTripMs } = facts;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const acknowledged = `w: ${client.w}, journal: ${client.journal}`;
  return [
    ok('answers', `in ${roundTripMs.toFixed(1)} ms`),
    facts.embedded
      ? ok('server', 'the embedded one: every acknowledged write is synced to disk')
      : check(
          major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]),
          'server',
          `MongoDB ${version}${kindOf(facts)}`,
          `MongoDB ${OLDEST.join('.')} or newer is needed: update it.`,
        ),
    check(
      writable,
      'writable',
      writable ? 'yes' : 'no',
      'MONGODB_URL leads to no primary: name all members, and replicaSet.',
    ),
    check(
      client.w === 'majority' && client.journal === true,
      'acknowledged means',
      acknowledged,
      'MONGODB_URL makes it less than durable: take w, journal and wtimeoutMS out of it.',
    ),
    check(
      client.readPreference === 'primary',
      'reads go to',
      client.readPreference,
      'What was just written may not be seen: take readPreference out of MONGODB_URL.',
    ),
    ...(persistent === undefined
      ? []
      : [
          check(
            persistent,
            'storage',
            persistent ? 'on disk' : 'in memory',
            'Events would end with its process: use WiredTiger.',
          ),
        ]),
    ...(majorityIsJournaled === undefined
      ? []
      : [
          check(
            majorityIsJournaled,
            'majority means',
            majorityIsJournaled ? 'on the disks of a majority' : 'in the memory of a majority',
            'Set writeConcernMajorityJournalDefault to true in the replica set’s configuration.',
          ),
        ]),
    ...(facts.embedded || facts.replicaSet || facts.sharded
      ? []
      : [
          note(
            'copies',
            'one server',
            'Its disk is the only copy of the events: a replica set of three keeps them through its loss.',
          ),
        ]),
    ...(roundTripMs > SLOW_MS
      ? [note('distance', `${roundTripMs.toFixed(0)} ms`, 'Every deposit waits for it: bring it nearer.')]
      : []),
  ];
}

function kindOf({ replicaSet, sharded }: MongodbFacts): string {
  if (sharded) return ', sharded';
  return replicaSet ? `, replica set ${replicaSet}` : '';
}
