/** `npm run service -- NAME`: one service, or the gateway, as a process of its own. */
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { assemble } from '../events/service.ts';
import type { Health, PartState } from '../gateway/health.ts';
import { tokenVerifier } from '../gateway/identity.ts';
import { type RemoteSubgraph, remoteSubgraph } from '../gateway/services/remote.ts';
import { serveSubgraph } from '../gateway/services/subgraph.ts';
import { identityCodec } from '../schema/identity.ts';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import { hostSubgraph, resolversOf } from '../subgraphs/host.ts';
import { supergraphFile } from './compose.ts';
import {
  AUTH_SECRET_PURPOSE,
  type Config,
  ConfigError,
  configOrExit,
  limitsOf,
  persistedOf,
  required,
} from './config.ts';
import { outboxGauges, queueMetrics } from './measures.ts';
import { browse, connect, createLog, inTime, prepare, RELOAD_SIGNAL, run } from './process.ts';
import { startTracing } from './tracing.ts';

const GATEWAY = 'gateway';
const GATEWAY_PORT = 4000;
const HEALTH_TIMEOUT_MS = 2_000;
/**
 * The service that acknowledges: without it the gateway is not ready. Of any other the queries fail alone, and whoever sends
 * traffic by readiness would turn all gateways away for one that is away.
 */
const ACKNOWLEDGES = 'account';

/** What the gateway passes on of a service's `/health/ready`. */
const saidOfItself = z.object({
  status: z.enum(['ok', 'degraded', 'down']),
  parts: z.record(
    z.string(),
    z.object({
      outbox: z
        .object({ pending: z.number(), oldestSeconds: z.number(), unconfirmed: z.number(), resent: z.number() })
        .optional(),
    }),
  ),
});

const config = configOrExit();
const log = createLog(config.LOG_LEVEL);
type Undo = (step: () => unknown) => void;

void run(log, async undo => {
  const [name] = process.argv.slice(2);
  const names = [GATEWAY, ...serviceNames()];
  if (!name || !names.includes(name)) throw new ConfigError(`usage: npm run service -- ${names.join('|')}`);
  const url = name === GATEWAY ? await startGateway(config, undo) : await startService(name, config, undo);
  process.stdout.write(`${name} is ready: ${url}\n`);
});

function secretOf({ AUTH_SECRET }: Config): string {
  return required(AUTH_SECRET, 'AUTH_SECRET', AUTH_SECRET_PURPOSE);
}

async function startService(name: string, settings: Config, undo: Undo): Promise<string> {
  const { MONGODB_URL, REDIS_URL, ...rest } = settings;
  const registry = new Registry();
  const tracing = await startTracing(settings, log);
  undo(() => tracing.stop());
  const connections = connect({
    registry,
    tracing,
    mongodbUrl: required(MONGODB_URL, 'MONGODB_URL', 'where the service keeps its data, mongodb://…'),
    redisUrl: required(REDIS_URL, 'REDIS_URL', 'where its queues are, redis://…'),
    log,
  });
  undo(() => connections.close());
  const { definition, sdl } = await loadService(name);
  const service = assemble(definition, connections.resources);
  await prepare([service], log);
  service.start();
  undo(() => service.stop());
  queueMetrics(registry, [service], { transport: connections.transport, bindings: connections.resources.bindings });
  outboxGauges(registry, service);

  const identities = identityCodec(secretOf(rest));
  const served = await serveSubgraph({
    subgraph: hostSubgraph({
      ...{ name, sdl, resolvers: resolversOf(service), identities, log },
      tracer: tracing.tracerOf(name),
    }),
    registry,
    identities,
    health: async () => {
      const [parts, outbox] = await Promise.all([connections.health(), inTime(service.outboxState())]);
      return { ...parts, [name]: outbox ? { state: 'ok', outbox } : { state: 'down' } };
    },
    host: rest.HOST,
    port: rest.PORT ?? GATEWAY_PORT + 1 + serviceNames().indexOf(name),
    log,
  });
  undo(() => served.stop());
  return served.url;
}

async function startGateway(settings: Config, undo: Undo): Promise<string> {
  // No other process needs it, and it takes long to load.
  const [{ createGateway }, { queuePages }] = await Promise.all([
    import('../gateway/index.ts'),
    import('../gateway/queues/index.ts'),
  ]);
  const secret = secretOf(settings);
  const identities = identityCodec(secret);
  const remotes: Record<string, RemoteSubgraph> = {};
  const urls: Record<string, string> = {};
  function connectToServices(): void {
    const names = serviceNames();
    for (const name of names) {
      const url = urlOf(name);
      urls[name] = url;
      if (remotes[name]) continue;
      const remote = remoteSubgraph({ name, url, identities, log });
      undo(() => remote.stop());
      remotes[name] = remote;
    }
    // One that was removed keeps its sockets until the process ends, and is not asked how it is.
    for (const name of Object.keys(urls).filter(name => !names.includes(name))) delete urls[name];
  }
  connectToServices();

  const tokens = tokenVerifier(settings.AUTH_JWKS_URL ? { jwksUrl: settings.AUTH_JWKS_URL } : { secret });
  const { MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl } = settings;
  const browser = mongodbUrl && redisUrl ? browse({ mongodbUrl, redisUrl, log }) : undefined;
  undo(() => browser?.close());

  const tracing = await startTracing(settings, log);
  undo(() => tracing.stop());

  const gateway = await createGateway({
    tracer: tracing.tracerOf(GATEWAY),
    supergraphSdl: readFileSync(supergraphFile, 'utf8'),
    subgraphs: { ...remotes },
    tokens,
    identities,
    health: () => healthOf(urls),
    host: settings.HOST,
    port: settings.PORT ?? GATEWAY_PORT,
    limits: limitsOf(settings, { embedded: false }),
    log,
    introspection: settings.NODE_ENV !== 'production',
    persisted: persistedOf(settings),
    pages: queuePages({ browser, tokens, secret, writable: settings.QUEUES_WRITABLE, log }),
  });
  undo(() => gateway.stop());
  process.removeAllListeners(RELOAD_SIGNAL);
  process.on(RELOAD_SIGNAL, () => {
    try {
      connectToServices();
      gateway.reload(readFileSync(supergraphFile, 'utf8'), { ...remotes });
    } catch (error) {
      log.error({ err: error }, 'the new supergraph cannot be used: the one before stays');
    }
  });
  return gateway.url;
}

/**
 * ACCOUNT_URL, BALANCE_URL, …: where the gateway finds each service. SERVICE_URL stands for those that are not named, which may
 * be added while it runs: `http://{name}:4000/graphql`.
 */
function urlOf(name: string): string {
  const variable = `${name.toUpperCase().replaceAll('-', '_')}_URL`;
  const url = required(
    process.env[variable] || process.env.SERVICE_URL?.replaceAll('{name}', name) || undefined,
    variable,
    `where the gateway finds ${name}, http://…/graphql`,
  );
  if (!URL.canParse(url)) throw new ConfigError(`${variable}: not a URL`);
  return url;
}

/**
 * Each service as it says itself, with what waits in its outbox. One that does not answer is down; nothing of its address
 * is shown.
 */
async function healthOf(urls: Readonly<Record<string, string>>): Promise<Health> {
  const parts = await Promise.all(
    Object.entries(urls).map(async ([name, url]): Promise<[string, Health[string]]> => {
      try {
        const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
        const answer = await fetch(new URL('/health/ready', url), { signal });
        const { status, parts } = saidOfItself.parse(await answer.json());
        // Its other parts are servers, which every service would name again.
        const outbox = parts[name]?.outbox;
        return [name, { ...stateOf(name, status), ...(outbox && { outbox }) }];
      } catch {
        return [name, stateOf(name, 'down')];
      }
    }),
  );
  return Object.fromEntries(parts);
}

function stateOf(name: string, state: PartState): Health[string] {
  return state === 'down' && name !== ACKNOWLEDGES ? { state, spared: true } : { state };
}
