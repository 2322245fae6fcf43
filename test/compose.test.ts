import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { serviceNames } from '../subgraphs/catalog.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface Service {
  image: string;
  command: string[];
  environment: Record<string, string | number>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  networks: string[];
  ports?: string[];
  volumes?: string[];
  restart: string;
  init?: boolean;
  read_only?: boolean;
  stop_grace_period: string;
  logging: { options: Record<string, string> };
}

interface Composition {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
}

const { services, networks, volumes } = parse(read('docker-compose.yml'), { merge: true }) as Composition;
const ours = ['gateway', ...serviceNames()];
const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`there is no ${name} in docker-compose.yml`);
  return found;
};

const portOf = (name: string) => Number(service(name).environment.PORT);

/** A Dockerfile's instructions in order, continued lines joined. */
const instructions = read('Dockerfile')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => ({ name: line.slice(0, line.indexOf(' ')), rest: line.slice(line.indexOf(' ') + 1) }));
const instruction = (name: string) => instructions.findLast(found => found.name === name)?.rest ?? '';
/** The sources that are copied from the project's folder into the image. */
const sources = instructions
  .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='))
  .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1));

test('the containers are the two servers and one for each service', () => {
  expect(Object.keys(services).sort()).toEqual(['mongodb', 'redis', ...ours].sort());
});

test('every dependency is waited for until it is healthy, and says when it is', () => {
  for (const [name, { depends_on = {} }] of Object.entries(services)) {
    for (const [dependency, { condition }] of Object.entries(depends_on)) {
      expect(condition, `${name} on ${dependency}`).toBe('service_healthy');
      const isHealthChecked = service(dependency).healthcheck ?? instruction('HEALTHCHECK');
      expect(isHealthChecked, dependency).toBeTruthy();
    }
  }
  for (const name of ours)
    expect(Object.keys(service(name).depends_on ?? {})).toEqual(expect.arrayContaining(['mongodb', 'redis']));
  expect(Object.keys(service('gateway').depends_on ?? {})).toEqual(
    expect.arrayContaining(ours.filter(name => name !== 'gateway')),
  );
});

test('what the system can be watched with asks every service for its metrics, and has a place for traces of each', () => {
  type Watch = { services: Record<string, Partial<Service>> };
  const watch = parse(read('deploy/watch.yml'), { merge: true }) as Watch;
  const traced = Object.entries(watch.services).filter(([, { environment }]) =>
    Object.hasOwn(environment ?? {}, 'OTEL_EXPORTER_OTLP_ENDPOINT'),
  );
  expect(traced.map(([name]) => name).sort()).toEqual([...ours].sort());
  type Scraping = { scrape_configs: { dns_sd_configs: { names: string[]; type: string; port: number }[] }[] };
  const { scrape_configs } = parse(read('deploy/prometheus/prometheus.yml')) as Scraping;
  // A service may have several processes, each with an address of its own.
  const asked = scrape_configs.flatMap(({ dns_sd_configs }) => dns_sd_configs);
  expect(new Set(asked.map(({ type }) => type))).toEqual(new Set(['A']));
  const targets = asked.flatMap(({ names, port }) => names.map(name => `${name}:${port}`));
  expect(targets.sort()).toEqual(ours.map(name => `${name}:${portOf(name)}`).sort());
  // Nothing of it can be reached from elsewhere, and the files that it mounts are there.
  for (const { ports: published = [], volumes: mounted = [] } of Object.values(watch.services)) {
    for (const each of published) expect(each).toMatch(/^127\.0\.0\.1:/);
    for (const each of mounted)
      if (each.startsWith('./')) expect(existsSync(join(root, each.split(':')[0] ?? ''))).toBe(true);
  }
});

test('only the gateway can be reached from outside, and only from this machine', () => {
  for (const [name, { ports: published, networks: joined }] of Object.entries(services)) {
    if (name === 'gateway') continue;
    expect(published, name).toBeUndefined();
    expect(
      joined.map(network => networks[network]?.internal),
      name,
    ).toEqual([true]);
  }
  expect(service('gateway').ports?.map(port => port.replace(/\$\{PORT:-(\d+)\}/, '$1'))).toEqual([
    '127.0.0.1:4000:4000',
  ]);
});

test('every service has the settings that it needs', () => {
  for (const name of ours) {
    const { environment, command } = service(name);
    expect(command).toEqual([name]);
    expect(environment).toMatchObject({
      PORT: portOf(name),
      HOST: '0.0.0.0',
      MONGODB_URL: 'mongodb://mongodb:27017/tributary',
      REDIS_URL: 'redis://redis:6379',
      AUTH_SECRET: expect.stringMatching(/^\$\{AUTH_SECRET:\?.*openssl rand.*\}$/),
    });
  }
  expect(portOf('gateway')).toBe(4000);
  expect(new Set(ours.map(portOf)).size).toBe(ours.length);
  for (const name of serviceNames()) {
    const variable = `${name.toUpperCase().replaceAll('-', '_')}_URL`;
    expect(service('gateway').environment[variable]).toBe(`http://${name}:${portOf(name)}/graphql`);
  }
});

test('every service exists', () => {
  for (const name of ours)
    expect(existsSync(join(root, name === 'gateway' ? name : `subgraphs/${name}`)), name).toBe(true);
});

test('every container has its bounds, and the servers keep their data', () => {
  for (const [name, { logging, restart, stop_grace_period }] of Object.entries(services)) {
    expect(logging.options, name).toMatchObject({ 'max-size': '10m', 'max-file': '3' });
    expect(restart, name).toBe('unless-stopped');
    expect(Number.parseInt(stop_grace_period, 10), name).toBeGreaterThan(10);
  }
  for (const name of ours) expect(service(name)).toMatchObject({ image: 'tributary', init: true, read_only: true });
  for (const name of ['mongodb', 'redis'])
    expect(volumes).toHaveProperty(service(name).volumes?.[0]?.split(':')[0] ?? '');
  expect(service('redis').command.join(' ')).toContain(
    '--appendonly yes --appendfsync everysec --maxmemory-policy noeviction',
  );
});

test('the image is made of files that exist and are not left out', () => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter(line => line.startsWith('!'))
    .map(line => line.slice(1));
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) {
    expect(existsSync(join(root, source)), source).toBe(true);
    expect(allowed).toContain(source);
  }
});

test('the image starts a service as a user without rights, and its health check is JavaScript', () => {
  const entry = JSON.parse(instruction('ENTRYPOINT')) as string[];
  expect(entry.slice(0, -1)).toEqual(['node', 'scripts/run.mjs']);
  const script = entry.at(-1) ?? '';
  expect(existsSync(join(root, script)), script).toBe(true);
  expect(sources).toContain(script.split('/')[0]);
  expect(ours).toContain((JSON.parse(instruction('CMD')) as string[])[0]);
  expect(instruction('USER')).toBe('node');

  const check = JSON.parse(/CMD (\[.*\])$/.exec(instruction('HEALTHCHECK'))?.[1] ?? '[]') as string[];
  expect(check.slice(0, 2)).toEqual(['node', '--eval']);
  expect(() => new Function(check[2] ?? '!')).not.toThrow();
  expect(check[2]).toContain('/health/live');
  expect(instruction('ENV')).toContain('PORT=4000');
});

test('every folder that the services import is in the image', () => {
  for (const folder of ['embedded', 'events', 'gateway', 'schema', 'scripts', 'subgraphs'])
    expect(sources).toContain(folder);
});
