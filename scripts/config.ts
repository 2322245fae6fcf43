/** The only place that reads the environment. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { makeDataDir } from '../embedded/index.ts';
import { type PersistedDocuments, parsePersistedDocuments } from '../gateway/documents/persisted.ts';
import type { Limits } from '../gateway/limits.ts';

export const DATA_DIR_DEFAULT = resolve('.data');

const port = z.coerce
  .number('must be a number')
  .int('must be a whole number')
  .min(0)
  .max(65_535, 'must be 65535 or less');
const url = (protocols: string) =>
  z.string().regex(new RegExp(`^(${protocols})://`), `must begin with ${protocols}://`);
const limit = z.coerce.number('must be a number').int('must be a whole number').positive('must be at least 1');

const environment = z.object({
  PORT: port.optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATA_DIR: z.string().min(1).default(DATA_DIR_DEFAULT),
  MONGODB_URL: url('mongodb|mongodb\\+srv').optional(),
  REDIS_URL: url('redis|rediss').optional(),
  AUTH_SECRET: z.string().min(32, 'must have 32 characters or more').optional(),
  AUTH_JWKS_URL: url('http|https').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LIMIT_CONNECTIONS: limit.default(20),
  LIMIT_SUBSCRIPTIONS: limit.default(50),
  LIMIT_REQUESTS: limit.optional(),
  PERSISTED_DOCUMENTS: z.string().min(1).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http|https').optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url('http|https').optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number('must be a number')
    .min(0, 'must be 0 or more')
    .max(1, 'must be 1 or less: the share of traces that are kept')
    .default(1),
  OTEL_TRACE_URL: url('http|https')
    .refine(text => text.includes('{traceId}'), 'must have {traceId} in it')
    .optional(),
  QUEUES_WRITABLE: z.stringbool('must be 1 or 0').default(false),
  NODE_ENV: z.string().optional(),
});

export type Config = z.infer<typeof environment>;

/** The names of all variables that are read here. */
export const VARIABLES: readonly string[] = Object.keys(environment.shape);

/** A mistake in how the system was started: shown as one line, without a stack. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** @throws ConfigError that names each variable that is wrong, and why. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  // An empty variable is one that a compose file passed on without a value.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (parsed.success) return { ...parsed.data, DATA_DIR: resolve(parsed.data.DATA_DIR) };
  throw new ConfigError(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

/** The configuration of this process; a mistake in it ends the process with one line. */
export function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** @returns the value. @throws ConfigError that says what the variable is for. */
export function required<Value>(value: Value | undefined, name: string, purpose: string): Value {
  if (value !== undefined) return value;
  throw new ConfigError(`${name} is not set: ${purpose}`);
}

export const AUTH_SECRET_PURPOSE =
  'it signs the tokens, and what the gateway tells the services; 32 characters or more.';

const REQUESTS_PER_MINUTE = 6_000;

/** What each caller may do. A system that runs on its own embedded servers is somebody's own: it counts no requests. */
export function limitsOf(config: Config, { embedded }: { embedded: boolean }): Limits {
  const { LIMIT_CONNECTIONS, LIMIT_SUBSCRIPTIONS, LIMIT_REQUESTS } = config;
  return {
    connections: LIMIT_CONNECTIONS,
    subscriptions: LIMIT_SUBSCRIPTIONS,
    requestsPerMinute: LIMIT_REQUESTS ?? (embedded ? undefined : REQUESTS_PER_MINUTE),
  };
}

/** Whether the secret is one that the system has made for itself, which nobody else signs tokens with. */
export function isOwnSecret({ AUTH_SECRET, AUTH_JWKS_URL, MONGODB_URL }: Config): boolean {
  return !AUTH_SECRET && !AUTH_JWKS_URL && !MONGODB_URL;
}

/**
 * AUTH_SECRET; on embedded servers also the one kept in the data folder, made when there is none: 256 random bits,
 * readable by its owner only.
 *
 * @throws ConfigError when there is none: data on a server of one's own outlive the folder; when the folder cannot be used.
 */
export async function secretOf({ AUTH_SECRET, DATA_DIR, MONGODB_URL }: Config): Promise<string> {
  if (AUTH_SECRET) return AUTH_SECRET;
  if (MONGODB_URL) return required(AUTH_SECRET, 'AUTH_SECRET', AUTH_SECRET_PURPOSE);
  const file = join(DATA_DIR, 'auth-secret');
  await makeDataDir(DATA_DIR).catch(error => {
    throw new ConfigError(error.message);
  });
  try {
    writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}

/**
 * The documents of the file that PERSISTED_DOCUMENTS names: then the gateway executes no others.
 *
 * @throws PersistedDocumentError, or what the file system says.
 */
export function persistedOf({ PERSISTED_DOCUMENTS }: Config): PersistedDocuments | undefined {
  return PERSISTED_DOCUMENTS ? parsePersistedDocuments(readFileSync(PERSISTED_DOCUMENTS, 'utf8')) : undefined;
}

/** What begins the names of databases and keys: the database named in the URL's path. */
export function prefixOf(mongodbUrl: string): string {
  return /^[^/]+:\/\/[^/]+\/([A-Za-z0-9_-]+)/.exec(mongodbUrl)?.[1] ?? 'tributary';
}
