import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { deployed, manifestOf, undeployed } from './deployment.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
/** A file of the project, but for one in which something else stands. */
const readWith = (path: string, from: string, to: string) => (asked: string) =>
  asked === path ? read(asked).replaceAll(from, to) : read(asked);
/** A service that nobody has: these tests are run beside services that people have added. */
const ADDED = 'only-a-test';
const files = new Map(deployed(read, ADDED));
const textOf = (path: string) => files.get(path) ?? '';

describe('a new service', () => {
  const { services } = parse(textOf('docker-compose.yml'), { merge: true });
  const { PORT } = services[ADDED].environment;

  test('has a container at a port of its own, that the gateway knows', () => {
    const ports = Object.values<{ environment?: { PORT?: number } }>(services).map(each => each.environment?.PORT);
    expect(ports.filter(port => port === PORT)).toHaveLength(1);
    expect(services.gateway.environment.ONLY_A_TEST_URL).toBe(`http://${ADDED}:${PORT}/graphql`);
    expect(services.gateway.depends_on[ADDED]).toEqual({ condition: 'service_healthy' });
  });

  test('is watched: its metrics are asked for where it listens, and there is a place for its traces', () => {
    const { scrape_configs } = parse(textOf('deploy/prometheus/prometheus.yml'));
    expect(scrape_configs[0].dns_sd_configs.at(-1)).toMatchObject({ names: [ADDED], port: PORT });
    const watch = parse(textOf('deploy/watch.yml'), { merge: true });
    expect(watch.services[ADDED]).toEqual(watch.services.gateway);
  });

  test('has a manifest that names nobody else, and that Kubernetes is given', () => {
    const manifest = textOf(manifestOf(ADDED));
    expect(manifest).toContain(`args: [${ADDED}]`);
    expect(manifest).not.toContain('transfer');
    const { resources } = parse(textOf('deploy/kubernetes/kustomization.yaml'));
    expect(resources.slice(-2)).toEqual([`${ADDED}.yaml`, 'gateway.yaml']);
  });

  test.each([
    ['docker-compose.yml', '  gateway:', '  door:', /docker-compose\.yml has no gateway: .* by hand/],
    ['deploy/watch.yml', 'gateway: *traced', 'door: *traced', /watch\.yml .* by hand/],
    ['deploy/prometheus/prometheus.yml', '- { names: ', '-\n        { names: ', /prometheus\.yml .* by hand/],
    ['deploy/kubernetes/kustomization.yaml', 'gateway.yaml', 'door.yaml', /kustomization\.yaml .* by hand/],
  ])('is not guessed into %s when that is not as it is known', (path, from, to, named) => {
    expect(() => deployed(readWith(path, from, to), ADDED)).toThrow(named);
  });
});

describe('a service that is taken out', () => {
  test('leaves every file as it was', () => {
    const changed = [...files.keys()].filter(path => path !== manifestOf(ADDED));
    const left = undeployed(textOf, ADDED);
    expect(left.map(([path]) => path).sort()).toEqual(changed.sort());
    for (const [path, text] of left) expect(text, path).toBe(read(path));
  });

  test('leaves alone whose name begins or ends with its own', () => {
    for (const other of [`${ADDED}-too`, `not-${ADDED}`]) {
      const both = new Map(deployed(path => files.get(path) ?? read(path), other));
      for (const [path, text] of undeployed(path => both.get(path) ?? '', ADDED)) {
        expect(text, path).toContain(other);
        expect(text.replaceAll(other, '').includes(ADDED), path).toBe(false);
      }
    }
  });

  test('that has no place anywhere changes nothing', () => {
    expect(undeployed(read, ADDED)).toEqual([]);
  });
});
