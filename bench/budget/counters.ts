/**
 * Loaded before the product (`--import`): counts what a process asks of MongoDB and Redis, and how often it parses JSON and
 * validates with zod. Answers on a socket of its own, so that counting needs no switch in the product.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { Counts } from './counts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const counts: Counts = { mongodb: {}, lost: {}, redis: {}, trips: {}, parses: {}, validations: {} };
let traced = false;

const add = (to: Record<string, number>, name: string, by = 1): void => {
  to[name] = (to[name] ?? 0) + by;
};

countMongodb();
countRedis();
countParses();
countValidations();
listen(process.env.BENCH_COUNTERS ?? '');

type Command = Record<string, unknown>;
type Ask = (this: object, ns: { db: string }, command: Command, ...rest: unknown[]) => Promise<unknown>;

/** By `database command collection {fields asked for}`. */
function countMongodb(): void {
  // The driver's own module: its events would have to be switched on by whoever makes the client.
  const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js') as {
    Connection: { prototype: { command: Ask } };
  };
  const { command } = Connection.prototype;
  Connection.prototype.command = function (ns, asked, ...rest) {
    const [name = ''] = Object.keys(asked);
    add(counts.mongodb, `${ns.db} ${name} ${asked[name]} ${fieldsOf(asked)}`);
    const answer = command.call(this, ns, asked, ...rest);
    // Whoever asked hears of a failure.
    if (WRITES.has(name)) answer.then(countLost(`${ns.db} ${asked[name]}`), () => undefined);
    return answer;
  };
}

const WRITES: ReadonlySet<string> = new Set(['insert', 'update']);
const DUPLICATE_KEY = 11_000;

/** An answer that the driver has not looked into yet. */
type Answer = { toObject(): { writeErrors?: { code: number }[] } };

const countLost = (place: string) => (answer: unknown) => {
  const { writeErrors = [] } = (answer as Answer).toObject();
  for (const { code } of writeErrors) if (code === DUPLICATE_KEY) add(counts.lost, place);
};

function fieldsOf(command: Command): string {
  const updates = command.updates as { q: object; u: object }[] | undefined;
  const filter = command.filter ?? command.query ?? updates?.[0]?.q ?? {};
  const changes = updates?.[0]?.u ?? {};
  const set = Object.values(changes).flatMap(value => (value instanceof Object ? Object.keys(value) : []));
  return `{${Object.keys(filter as object)}}${set.length > 0 ? ` sets {${set.slice(0, 3)}}` : ''}`;
}

type RedisCommand = { name: string; args: unknown[] };
type Stream = { write(...args: unknown[]): boolean };
type Inner = { sendCommand(this: { stream: Stream }, command: RedisCommand, stream?: unknown): unknown };

/**
 * Commands by `name of the key`; and writes to a connection's socket, each of which is one round trip for all the commands that
 * it carries, shared evenly between them.
 */
function countRedis(): void {
  const scripts = new Map<string, string>();
  const define = Redis.prototype.defineCommand;
  Redis.prototype.defineCommand = function (name, definition) {
    scripts.set(createHash('sha1').update(definition.lua).digest('hex'), name.replace(/:[\d.]+$/, ''));
    return define.call(this, name, definition);
  };
  const underway = new WeakMap<object, string[]>();
  // What ioredis does with a command on its way to the socket is none of its public types.
  const inner = Redis.prototype as unknown as Inner;
  const { sendCommand } = inner;
  inner.sendCommand = function (command, stream) {
    const name = labelOf(command, scripts);
    add(counts.redis, name);
    const socket = this.stream;
    if (socket) {
      if (!underway.has(socket)) watch(socket);
      underway.get(socket)?.push(name);
    }
    return sendCommand.call(this, command, stream);
  };

  function watch(socket: Stream): void {
    underway.set(socket, []);
    const { write } = socket;
    socket.write = (...args) => {
      const names = underway.get(socket)?.splice(0) ?? [];
      for (const name of names) add(counts.trips, name, 1 / names.length);
      return write.apply(socket, args);
    };
  }
}

/** Our own scripts, by the number of their keys. */
const EVALS: Readonly<Record<string, string>> = { 1: 'mark', 2: 'look', 4: 'wasAll' };

function labelOf({ name, args }: RedisCommand, scripts: ReadonlyMap<string, string>): string {
  const [first, second, third] = args.map(String);
  if (name === 'evalsha') return `${scripts.get(first ?? '') ?? 'a script'} ${keyOf(third)}`;
  if (name === 'eval') return `${EVALS[second ?? ''] ?? 'a script'} ${keyOf(third)}`;
  return `${name} ${keyOf(name === 'script' ? second : first)}`;
}

/** What is the same for all accounts and jobs. */
const keyOf = (key = ''): string =>
  key
    .replace(/^[^:]*:/, '')
    .replace(/^feed:(\w+).*$/, 'feed:$1')
    .replace(/(:\d+|[0-9a-f-]{36}).*$/, ':*');

function countParses(): void {
  const { parse } = JSON;
  JSON.parse = (text, reviver) => {
    add(counts.parses, traced ? callerOf() : 'untraced');
    return parse(text, reviver);
  };
}

type Parse = (this: object, value: unknown, params?: object) => unknown;

/** The methods stand on the prototype of each kind of schema, as getters that bind them to the schema that is asked first. */
function countValidations(): void {
  const kinds = [z.object({}), z.looseObject({}), z.string(), z.union([z.string()]), z.array(z.string()), z.unknown()];
  const wrapped = new Set<object>();
  for (const kind of [...kinds, z.record(z.string(), z.string()), z.coerce.number(), z.int()]) {
    let prototype: object = Object.getPrototypeOf(kind);
    while (!Object.hasOwn(prototype, 'safeParse')) prototype = Object.getPrototypeOf(prototype);
    if (wrapped.has(prototype)) continue;
    wrapped.add(prototype);
    for (const method of ['parse', 'safeParse'] as const) wrap(prototype, method);
  }
}

function wrap(prototype: object, method: 'parse' | 'safeParse'): void {
  const get = Object.getOwnPropertyDescriptor(prototype, method)?.get;
  // Without a schema it answers the method itself.
  const original: Parse | undefined = get?.call(undefined);
  if (!original) throw new Error(`zod keeps ${method} elsewhere than it did: it cannot be counted`);
  Object.defineProperty(prototype, method, {
    configurable: true,
    get(this: object) {
      const value = (...args: [unknown, object?]) => {
        add(counts.validations, traced ? callerOf() : 'untraced');
        return original.apply(this, args);
      };
      Object.defineProperty(this, method, { configurable: true, writable: true, value });
      return value;
    },
  });
}

/** The package that did it, if one did, and the project's own function behind it. */
function callerOf(): string {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 20;
  Error.prepareStackTrace = (_, sites) =>
    sites.map(site => ({ file: site.getFileName() ?? '', name: site.getFunctionName() ?? '' }));
  const sites = new Error().stack as unknown as { file: string; name: string }[];
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  const outside = sites.filter(({ file }) => !/^node:|budget\/counters|\/zod\/|^$/.test(file));
  const [nearest] = outside;
  const own = outside.find(({ file }) => !file.includes('node_modules'));
  const place = own && `${relative(root, own.file.replace(/^file:\/\//, ''))} ${own.name}`;
  const library = nearest && nearest !== own && /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(nearest.file)?.[1];
  return [library && `${library} ${nearest?.name}`, place].filter(Boolean).join(', for ') || 'nobody known';
}

/** `trace` and `count` say whether callers are looked for, which costs time; every answer is all that was counted. */
function listen(path: string): void {
  const { stringify } = JSON;
  rmSync(path, { force: true });
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.on('data', data => {
      traced = String(data) === 'trace';
      socket.end(stringify(counts));
    });
  });
  server.listen(path);
  server.unref();
}
