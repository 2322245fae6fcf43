/**
 * Loaded before a service: ends its process with SIGKILL right before or right after one chosen call to MongoDB or
 * Redis, reads too. Points are named by what is called on the drivers' public API: `mongodb account.events insertOne deposited`,
 * `redis {balance}-0 addJob`.
 *
 * CRASH_PLAN is a file with the moment, `before redis {balance}-0 addJob`, or how it begins, and how often, `{"at": …,
 * "times": 1}`: read at each point, so that it can be laid while the process runs, and counted down in place, so that it survives the
 * process. CRASH_LIST is a file to which each point is added when it is passed for the first time.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { type Command, Redis } from 'ioredis';
import { AbstractCursor, Collection } from 'mongodb';

const { CRASH_PLAN: plan, CRASH_LIST: list } = process.env;
const passed = new Set<string>();

/** Ends this process when the moment is the chosen one. */
function at(moment: string): void {
  if (!plan) return;
  let chosen: { at: string; times: number };
  try {
    chosen = JSON.parse(readFileSync(plan, 'utf8'));
  } catch {
    // None is laid, or it is being written.
    return;
  }
  const isChosen = moment === chosen.at || moment.startsWith(`${chosen.at} `);
  if (!isChosen || chosen.times < 1) return;
  writeFileSync(plan, JSON.stringify({ ...chosen, times: chosen.times - 1 }));
  process.kill(process.pid, 'SIGKILL');
}

function around<Value>(point: string, call: () => Promise<Value>): Promise<Value> {
  if (list && !passed.has(point)) {
    passed.add(point);
    appendFileSync(list, `${point}\n`);
  }
  at(`before ${point}`);
  const done = call();
  void done.then(
    () => at(`after ${point}`),
    () => undefined,
  );
  return done;
}

// ---- MongoDB --------------------------------------------------------------------------------------------------------

type Call = (this: unknown, ...args: unknown[]) => unknown;

/** The driver calls itself: only what the system calls is a point. */
const inside = new AsyncLocalStorage<true>();
const cursors = new WeakMap<object, string>();

const CALLS = [
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'deleteOne',
  'deleteMany',
  'bulkWrite',
  'findOne',
  'findOneAndUpdate',
  'countDocuments',
  'createIndexes',
];
/** Calls whose cursor asks the server only when it is read. */
const CURSOR_CALLS = ['find', 'aggregate'];

/** Wraps a method that is looked up by its name. */
function wrap(prototype: object, name: string, wrapper: (original: Call) => Call): void {
  const methods = prototype as Record<string, Call | undefined>;
  const original = methods[name];
  if (!original) throw new Error(`there is no ${name} to wrap`);
  methods[name] = wrapper(original);
}

const nameOf = ({ namespace }: { namespace: string }) => namespace.replace(/^[^.]*-/, '');

/** What tells calls of one method apart: the fields of the filter and of the change, or the types of the events. */
function shapeOf(args: unknown[]): string {
  return args
    .slice(0, 2)
    .map(argument => fieldsOf(argument))
    .filter(Boolean)
    .join(' ');
}

function fieldsOf(value: unknown): string {
  if (Array.isArray(value)) {
    const kinds = [...new Set(value.map(fieldsOf))];
    return kinds.length > 1 ? 'several' : (kinds[0] ?? '');
  }
  if (typeof value !== 'object' || value === null) return '';
  const { event, updateOne } = value as { event?: { type?: string }; updateOne?: object };
  if (event?.type) return event.type;
  if (updateOne) return fieldsOf(updateOne);
  const fields = Object.entries(value)
    .filter(([key]) => !['projection', 'batchSize', 'ordered', 'upsert', 'returnDocument', 'hash'].includes(key))
    .map(([key, part]) =>
      key.startsWith('$') || ['filter', 'update'].includes(key) ? `${key}(${fieldsOf(part)})` : key.split('.')[0],
    )
    .sort();
  return [...new Set(fields)].join(',');
}

for (const name of CALLS)
  wrap(
    Collection.prototype,
    name,
    original =>
      function (...args) {
        const call = () => original.apply(this, args) as Promise<unknown>;
        if (inside.getStore()) return call();
        const collection = this as Collection;
        // What is copied from others is mixed anyhow; what is emitted is a kind of call of its own.
        const shape = name === 'insertMany' && collection.collectionName !== 'events' ? '' : shapeOf(args);
        return around(`mongodb ${nameOf(collection)} ${name} ${shape}`.trim(), () => inside.run(true, call));
      },
  );

for (const name of CURSOR_CALLS)
  wrap(
    Collection.prototype,
    name,
    original =>
      function (...args) {
        const cursor = original.apply(this, args) as object;
        const collection = this as Collection;
        if (!inside.getStore()) cursors.set(cursor, `mongodb ${nameOf(collection)} ${name} ${shapeOf(args)}`.trim());
        return cursor;
      },
  );

wrap(
  AbstractCursor.prototype,
  'toArray',
  original =>
    function (...args) {
      const point = cursors.get(this as object);
      const call = () => original.apply(this, args) as Promise<unknown>;
      return point ? around(point, () => inside.run(true, call)) : call();
    },
);

// ---- Redis ----------------------------------------------------------------------------------------------------------

const scripts = new Map<string, string>();

wrap(
  Redis.prototype,
  'defineCommand',
  original =>
    function (...args) {
      const [name, { lua }] = args as [string, { lua: string }];
      scripts.set(createHash('sha1').update(lua).digest('hex'), name.replace(/:.*/, ''));
      return original.apply(this, args);
    },
);

function pointOf({ name, args }: Command): string | undefined {
  // What a connection says of itself.
  if (['info', 'client', 'hello', 'auth', 'select', 'ping', 'subscribe', 'unsubscribe', 'quit'].includes(name))
    return undefined;
  const script = name.startsWith('eval') ? scripts.get(String(args[0])) : undefined;
  // The keys of a multiplied list are beyond counting, their kind is not.
  const key =
    args
      .slice(0, 6)
      .map(String)
      .find(text => /\{[a-z-]+\}|:feed:/.test(text)) ?? '';
  const place = /\{[a-z-]+\}(-\d+|:marks|:replay)?/.exec(key)?.[0] ?? /feed:[a-z]+/.exec(key)?.[0] ?? '';
  return `redis ${place} ${script ?? name}`.replace('  ', ' ');
}

wrap(
  Redis.prototype,
  'sendCommand',
  original =>
    function (...args) {
      const command = args[0] as Command;
      const point = pointOf(command);
      const call = () => original.apply(this, args) as Promise<unknown>;
      return point ? around(point, call) : call();
    },
);
