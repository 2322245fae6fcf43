import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../scripts/config.ts';
import { serviceNames } from '../subgraphs/catalog.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'deploy/kubernetes');
const require = createRequire(import.meta.url);

type Manifest = { apiVersion: string; kind: string; metadata: { name: string }; [rest: string]: unknown };
type Model = new (data: unknown) => { validate(): void };

const read = (file: string) =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map(found => found.toJS() as Manifest);
const files = readdirSync(folder).filter(file => file.endsWith('.yaml') && file !== 'kustomization.yaml');
const manifests = files.flatMap(file => read(file).map(manifest => ({ file, manifest })));
const names = ['gateway', ...serviceNames()];

function find<Shape>(kind: string, name: string): Shape {
  const found = manifests.find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found.manifest as Shape;
}

/**
 * Holds a manifest to the schema of its kind, which `kubernetes-models` has from Kubernetes's own OpenAPI document.
 *
 * @returns what is wrong, the fields that Kubernetes does not know among it: those that no validator has looked at.
 */
function faultsOf(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  const Kind = (require(`kubernetes-models/${apiVersion}`) as Record<string, Model>)[kind];
  if (!Kind) return [`${apiVersion} ${kind}: no such kind`];
  const [seen, present] = [new Set<string>(), new Set<string>()];
  // Of what the constructor has copied, so that it is looked at by the validator alone.
  const watched = watch(new Kind(manifest), '', seen, present);
  try {
    watched.validate();
  } catch (error) {
    return [(error as Error).message];
  }
  return [...present].filter(path => !seen.has(path)).map(path => `${path}: no such field`);
}

/** The same object, which takes note of each field that is asked for by name. */
function watch<Value>(value: Value, path: string, seen: Set<string>, present: Set<string>): Value {
  if (typeof value !== 'object' || value === null) return value;
  const children = new Map(
    Object.entries(value).map(([key, child]) => [key, watch(child, `${path}/${key}`, seen, present)]),
  );
  for (const key of children.keys()) present.add(`${path}/${key}`);
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key === 'string') seen.add(`${path}/${key}`);
      return children.has(String(key)) ? children.get(String(key)) : Reflect.get(target, key, receiver);
    },
  });
}

const deployment = () => structuredClone(find<Manifest & { spec: Deployed }>('Deployment', 'account'));

type Container = {
  image: string;
  args: string[];
  env: { name: string; valueFrom: { secretKeyRef: { name: string } } }[];
  envFrom: { configMapRef: { name: string } }[];
  ports: { name: string; containerPort: number }[];
  resources: { requests: object; limits: object };
  [probe: string]: unknown;
};
type Budget = { maxUnavailable: number; selector: { matchLabels: object } };
type Deployed = {
  replicas: number;
  selector: { matchLabels: object };
  template: { metadata: { labels: object }; spec: { terminationGracePeriodSeconds: number; containers: Container[] } };
};

const containerOf = (name: string): Container => {
  const [container] = find<{ spec: Deployed }>('Deployment', name).spec.template.spec.containers;
  if (!container) throw new Error(`${name} has no container`);
  return container;
};

describe('the schema check', () => {
  test.each(
    manifests.map(({ file, manifest }) => [`${manifest.kind} ${manifest.metadata.name}`, file, manifest] as const),
  )('passes %s in %s', (_, __, manifest) => {
    expect(faultsOf(manifest)).toEqual([]);
  });

  test('finds a value of the wrong type', () => {
    const wrong = deployment();
    Object.assign(wrong.spec, { replicas: 'two' });
    expect(faultsOf(wrong).join()).toContain('/spec/replicas must be integer');
  });

  test('finds a required field that is missing', () => {
    const wrong = deployment();
    Object.assign(wrong.spec, { selector: undefined });
    expect(faultsOf(wrong).join()).toContain('/spec must have required property');
  });

  test('finds a field that Kubernetes does not know, however deep', () => {
    const wrong = deployment();
    Object.assign(wrong.spec.template.spec.containers[0] ?? {}, { livenessprobe: {} });
    expect(faultsOf(wrong)).toEqual(['/spec/template/spec/containers/0/livenessprobe: no such field']);
  });

  test('finds a kind that does not exist', () => {
    expect(faultsOf({ ...deployment(), kind: 'Deploymemt' })).toEqual(['apps/v1 Deploymemt: no such kind']);
  });
});

test('each process has a Deployment, a Service and a disruption budget that mean the same pods', () => {
  for (const name of names) {
    const { spec } = find<{ spec: Deployed }>('Deployment', name);
    const { labels } = spec.template.metadata;
    expect(spec.selector.matchLabels, name).toEqual(labels);
    expect(find<{ spec: { selector: object } }>('Service', name).spec.selector, name).toEqual(labels);
    const { spec: budget } = find<Manifest & { spec: Budget }>('PodDisruptionBudget', name);
    expect(budget.selector.matchLabels, name).toEqual(labels);
    // Else no node could ever be emptied.
    expect(budget.maxUnavailable, name).toBe(1);
  }
});

test('each process is looked after: probes, limits, and time to finish', () => {
  for (const name of names) {
    const container = containerOf(name);
    const path = (probe: string) => (container[probe] as { httpGet: { path: string; port: string } }).httpGet;
    expect(path('livenessProbe'), name).toEqual({ path: '/health/live', port: 'http' });
    expect(path('readinessProbe'), name).toEqual({ path: '/health/ready', port: 'http' });
    expect(Object.keys(container.resources.limits), name).toEqual(['cpu', 'memory']);
    expect(container.args).toEqual([name]);
    const { terminationGracePeriodSeconds } = find<{ spec: Deployed }>('Deployment', name).spec.template.spec;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(15);
  }
});

describe('the variables', () => {
  const settings = find<{ data: Record<string, string> }>('ConfigMap', 'tributary').data;
  const fromSecret = (name: string) => containerOf(name).env.map(variable => variable.name);
  const composed = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, { environment: Record<string, string> }>;
  };

  test('are those that the code reads', () => {
    const source = readFileSync(join(root, 'scripts/config.ts'), 'utf8');
    const known = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name);
    expect(known).toContain('MONGODB_URL');
    for (const name of names) {
      const given = [...Object.keys(settings), ...fromSecret(name)];
      // SERVICE_URL is read where the services are known.
      expect(
        given.filter(variable => variable !== 'SERVICE_URL' && !known.includes(variable)),
        name,
      ).toEqual([]);
    }
    const secret = { MONGODB_URL: 'mongodb://a/b', REDIS_URL: 'redis://a', AUTH_SECRET: 'x'.repeat(32) };
    expect(readConfig({ ...settings, ...secret })).toMatchObject({ PORT: 4000, HOST: '0.0.0.0', ...secret });
  });

  test('are those of docker-compose.yml, where SERVICE_URL stands for the address of each service', () => {
    const urls = serviceNames().map(name => `${name.toUpperCase().replaceAll('-', '_')}_URL`);
    for (const name of names) {
      const wanted = Object.keys(composed.services[name]?.environment ?? {});
      const given = [...Object.keys(settings), ...fromSecret(name)];
      const missing = wanted.filter(variable => !given.includes(variable) && !urls.includes(variable));
      expect(missing, name).toEqual([]);
    }
    for (const name of serviceNames()) {
      const { ports } = find<{ spec: { ports: { port: number }[] } }>('Service', name).spec;
      expect(settings.SERVICE_URL?.replaceAll('{name}', name)).toBe(`http://${name}:${ports[0]?.port}/graphql`);
      expect(Number(settings.PORT)).toBe(containerOf(name).ports[0]?.containerPort);
    }
  });

  test('that are secret come from a Secret by reference, which is in none of the files', () => {
    for (const name of names) {
      expect(fromSecret(name), name).toEqual(['MONGODB_URL', 'REDIS_URL', 'AUTH_SECRET']);
      for (const { valueFrom } of containerOf(name).env) expect(valueFrom.secretKeyRef.name).toBe('tributary');
    }
    expect(manifests.map(({ manifest }) => manifest.kind)).not.toContain('Secret');
    expect(Object.keys(settings).filter(key => /SECRET|MONGODB|REDIS/.test(key))).toEqual([]);
  });
});

test('kustomization.yaml names every file', () => {
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  expect([...resources].sort()).toEqual([...files].sort());
});

test('the image is that of the Dockerfile: its user, and a service by its name', () => {
  const file = readFileSync(join(root, 'Dockerfile'), 'utf8');
  // The user "node" of the image; Kubernetes has to know its number.
  expect(file).toMatch(/^USER node$/m);
  for (const name of names) expect(containerOf(name).image).toBe(containerOf('gateway').image);
});
