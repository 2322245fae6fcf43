/** The services as MongoDB has them: what is bound, and whether the indexes are those that the definitions want. */
import type { IndexDescription, MongoClient } from 'mongodb';
import { type Binding, EVERY_TYPE } from '../../events/binding.ts';
import type { ServiceDefinition } from '../../events/definition.ts';
import { outboxIndexes } from '../../events/outbox.ts';
import { PARTITIONS_DEFAULT } from '../../events/partition.ts';
import { check, type Finding, note, ok, todo } from './findings.ts';

export type Wanted = Pick<ServiceDefinition, 'name' | 'consumes' | 'emits' | 'partitions' | 'indexes' | 'derived'>;

type Index = { key: Record<string, unknown>; unique?: boolean; sparse?: boolean };

/** Findings of each service that the project has, and of those that are bound without one. */
export async function examineServices(
  mongo: MongoClient,
  prefix: string,
  definitions: readonly Wanted[],
): Promise<Finding[]> {
  const bound = await mongo.db(`${prefix}-registry`).collection<Binding>('bindings').find().limit(1_000).toArray();
  const bindings = definitions.map(definition => judgeBinding(definition, bound));
  const strangers = bound.filter(({ _id }) => !definitions.some(({ name }) => name === _id));
  const indexes = await Promise.all(
    definitions
      .filter(({ name }) => bound.some(({ _id }) => _id === name))
      .map(definition => examineIndexes(mongo, prefix, definition)),
  );
  const wrong = [...bindings, ...indexes.flat()].filter(({ state }) => state !== 'ok');
  const counted = indexes.flat().length;
  return [
    ...(bindings.every(({ state }) => state === 'ok')
      ? [ok('bound', definitions.map(({ name }) => name).join(', '))]
      : []),
    ...strangers.map(({ _id }) =>
      note(
        _id,
        'bound, and not among the services of this checkout',
        `If it was taken out of use: mutation { unbind(service: "${_id}") { name } }`,
      ),
    ),
    ...(counted > 0 && indexes.flat().every(({ state }) => state === 'ok')
      ? [ok('indexes', `all ${counted} are there as they should be`)]
      : []),
    ...wrong,
  ];
}

function judgeBinding(
  { name, consumes, emits, partitions = PARTITIONS_DEFAULT }: Wanted,
  bound: readonly Binding[],
): Finding {
  const binding = bound.find(({ _id }) => _id === name);
  const restart = `Start it anew: npm start, or npm run service -- ${name}.`;
  if (!binding) return todo(name, 'not bound: it has never run, or was unbound', restart);
  const wishes = consumes === 'everything' ? [EVERY_TYPE] : consumes.map(({ type }) => type);
  const differing = [
    ...(sameTypes(binding.consumes, wishes) ? [] : ['consumes']),
    ...(sameTypes(
      binding.emits,
      emits.map(({ type }) => type),
    )
      ? []
      : ['emits']),
    ...(binding.partitions === partitions ? [] : ['partitions']),
  ];
  if (differing.length > 0) {
    return todo(name, `its binding is older than its definition: ${differing.join(', ')}`, restart);
  }
  return ok(name, binding.seeding ? 'bound, and being seeded by the lake' : 'bound');
}

const sameTypes = (one: readonly string[], other: readonly string[]): boolean =>
  JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());

async function examineIndexes(mongo: MongoClient, prefix: string, definition: Wanted): Promise<Finding[]> {
  const { name, derived = {}, indexes } = definition;
  const database = mongo.db(`${prefix}-${name}`);
  const generations = database.collection<{ _id: string; active: number }>('generations');
  const active = (await generations.findOne({ _id: 'generations' }))?.active ?? 1;
  const wanted = { ...indexes, events: [...(indexes.events ?? []), ...outboxIndexes] };
  const findings = await Promise.all(
    Object.entries(wanted).map(async ([of, descriptions]) => {
      const collection = of in derived && active > 1 ? `${of}-${active}` : of;
      // A collection that is not there has none.
      const found = await database
        .collection(collection)
        .listIndexes()
        .toArray()
        .catch(() => []);
      return descriptions.map(description =>
        judgeIndex(`${prefix}-${name}.${collection}`, description, found as Index[]),
      );
    }),
  );
  return findings.flat();
}

/** Pure. */
export function judgeIndex(place: string, { key, unique, sparse }: IndexDescription, found: readonly Index[]): Finding {
  const text = JSON.stringify(key);
  const there = found.find(index => JSON.stringify(index.key) === text);
  const service = place.split('.')[0]?.split('-').at(-1) ?? '';
  if (!there) {
    return todo(
      'index',
      `${place} ${text} is missing`,
      `It is made when ${service} starts: start it anew, and see its log.`,
    );
  }
  const isAlike = Boolean(there.unique) === Boolean(unique) && Boolean(there.sparse) === Boolean(sparse);
  const wanted =
    [...(unique ? ['unique'] : []), ...(sparse ? ['sparse'] : [])].join(', ') || 'neither unique nor sparse';
  return check(
    isAlike,
    'index',
    `${place} ${text}${isAlike ? '' : ` should be ${wanted}`}`,
    `Drop it while ${service} is stopped; it is made anew when that starts. Without it, two writers may both win.`,
  );
}
