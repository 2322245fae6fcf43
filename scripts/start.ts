/** `npm start`: the whole system in one process, with its servers beside it. */
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { lockDataDir, startServers } from '../embedded/index.ts';
import { browseQueues } from '../events/browse.ts';
import { assemble, type RunningService } from '../events/service.ts';
import type { Health } from '../gateway/health.ts';
import { signToken, tokenVerifier } from '../gateway/identity.ts';
import { createGateway } from '../gateway/index.ts';
import { queuePages } from '../gateway/queues/index.ts';
import { identityCodec } from '../schema/identity.ts';
import { loadService, serviceNames } from '../subgraphs/catalog.ts';
import { hostSubgraph, type Resolvers, resolversOf } from '../subgraphs/host.ts';
import { createBeside } from './beside.ts';
import { supergraphFile } from './compose.ts';
import { configOrExit, isOwnSecret, limitsOf, persistedOf, secretOf } from './config.ts';
import { measuresOf, queueMetrics } from './measures.ts';
import { connect, createLog, inTime, prepare, run } from './process.ts';
import { readyScreen } from './screen.ts';
import { startTracing } from './tracing.ts';

const startedMs = performance.now();
const config = configOrExit();
const log = createLog(config.LOG_LEVEL);
const port = config.PORT ?? 4000;
/** Whom the console offers to be, where nobody else says who people are. */
const PEOPLE = [
  { name: 'alice', roles: [] },
  { name: 'bob', roles: [] },
  { name: 'olga', roles: ['operator'] },
];

void run(log, async undo => {
  const lock = await lockDataDir(config.DATA_DIR);
  undo(() => lock.release());
  const secret = await secretOf(config);
  const token = (sub: string, roles: readonly string[] = []) => signToken(secret, { sub, roles, expiresIn: '12h' });
  const identities = identityCodec(secret);

  const servers = await startServers({
    dataDir: config.DATA_DIR,
    mongodbUrl: config.MONGODB_URL,
    redisUrl: config.REDIS_URL,
    log,
  });
  undo(() => servers.stop());

  const registry = new Registry();
  const tracing = await startTracing(config, log);
  undo(() => tracing.stop());

  // Whoever holds the lock is the only process on this data, so it need not wait for a killed one's leases.
  const connections = connect({
    ...servers,
    log,
    registry,
    tracing,
    ...(!config.MONGODB_URL && { holder: config.DATA_DIR }),
  });
  undo(() => connections.close());

  const { resources } = connections;
  const names = serviceNames();
  const beside = createBeside({
    settings: {
      mongodbUrl: servers.mongodbUrl,
      redisUrl: servers.redisUrl,
      holder: `${resources.holder} beside`,
      level: log.level,
      services: names,
    },
    measuresOf: service => measuresOf(registry, service),
    log,
  });
  undo(() => beside.stop());

  const entries = await Promise.all(names.map(loadService));
  const services = entries.map(({ definition, sdl }) => ({
    sdl,
    service: assemble(definition, { ...resources, beside }),
  }));
  // Every binding is known before the first event is relayed.
  await prepare(
    services.map(({ service }) => service),
    log,
  );
  for (const { service } of services) service.start();
  queueMetrics(
    registry,
    services.map(({ service }) => service),
    { transport: connections.transport, bindings: resources.bindings },
  );
  undo(() => Promise.all(services.map(({ service }) => service.stop())));

  const tokens = tokenVerifier(config.AUTH_JWKS_URL ? { jwksUrl: config.AUTH_JWKS_URL } : { secret });
  const { bindings, prefix } = resources;
  const browser = browseQueues({
    redisUrl: servers.redisUrl,
    prefix,
    bindings,
    onError: error => log.debug({ err: error }, 'the queues are out of reach'),
  });
  undo(() => browser.close());

  const gateway = await createGateway({
    supergraphSdl: readFileSync(supergraphFile, 'utf8'),
    subgraphs: Object.fromEntries(
      services.map(({ sdl, service }) => {
        const { name } = service.definition;
        const tracer = tracing.tracerOf(name);
        return [name, hostSubgraph({ name, sdl, resolvers: resolversOf(service), identities, log, tracer })];
      }),
    ),
    tokens,
    identities,
    health: async () => {
      // Side by side: each has its own time, and together they are within that of the whole.
      const [servers, own] = await Promise.all([
        connections.health(),
        outboxes(services.map(({ service }) => service)),
      ]);
      return { ...servers, ...own };
    },
    registry,
    tracer: tracing.tracerOf('gateway'),
    host: config.HOST,
    port,
    limits: limitsOf(config, { embedded: !config.MONGODB_URL }),
    log,
    introspection: config.NODE_ENV !== 'production',
    persisted: persistedOf(config),
    ...(isOwnSecret(config) && { signIn: { people: PEOPLE, sign: ({ name, roles }) => token(name, roles) } }),
    pages: queuePages({ browser, tokens, secret, writable: config.QUEUES_WRITABLE, log }),
  });
  undo(() => gateway.stop());

  process.stdout.write(
    readyScreen({
      url: gateway.url,
      dataDir: config.DATA_DIR,
      elsewhere: (['MONGODB_URL', 'REDIS_URL'] as const).filter(name => config[name]),
      seconds: (performance.now() - startedMs) / 1000,
      ...(!config.AUTH_JWKS_URL && {
        tokens: { alice: await token('alice'), olga: await token('olga', ['operator']) },
      }),
    }),
  );
});

/** Each service, with what it has acknowledged and not yet relayed. */
async function outboxes(services: readonly RunningService<Resolvers>[]): Promise<Health> {
  const states = await Promise.all(
    services.map(async service => {
      const outbox = await inTime(service.outboxState());
      return [service.definition.name, outbox ? { state: 'ok' as const, outbox } : { state: 'down' as const }] as const;
    }),
  );
  return Object.fromEntries(states);
}
