/** The places of a service in docker-compose.yml and `deploy/`: what runs it in containers and on Kubernetes, and what watches it there. */
import { freePort, withContainer, withoutContainer } from './containers.ts';

const COMPOSE = 'docker-compose.yml';
const WATCH = 'deploy/watch.yml';
const PROMETHEUS = 'deploy/prometheus/prometheus.yml';
const KUSTOMIZATION = 'deploy/kubernetes/kustomization.yaml';
/** The service whose manifest another one begins with: its processes share its queues, and hold no data. */
const PATTERN = 'transfer';

/** The manifest of a service. */
export const manifestOf = (name: string): string => `deploy/kubernetes/${name}.yaml`;

/** Says what stands in a file of the project, by its path. */
type Read = (path: string) => string;

/**
 * @returns each file that has a place for the service, and what is to stand in it.
 * @throws when one is not as it is known: nothing is guessed.
 */
export function deployed(read: Read, name: string): [string, string][] {
  const target = `      - { names: [${name}], type: A, port: ${freePort(read(COMPOSE))}, refresh_interval: 10s }\n`;
  const added: [string, string][] = [
    [WATCH, before(read(WATCH), /^ {2}gateway: \*traced\n/m, `  ${name}: *traced\n`, WATCH)],
    [PROMETHEUS, before(read(PROMETHEUS), /(?<=^ {6}- \{ names: .*\n)(?! {6}- \{ names: )/m, target, PROMETHEUS)],
    [
      KUSTOMIZATION,
      before(read(KUSTOMIZATION), /(?<=^resources: \[.*)gateway\.yaml/m, `${name}.yaml, `, KUSTOMIZATION),
    ],
  ];
  return [
    [COMPOSE, withContainer(read(COMPOSE), name)],
    [manifestOf(name), read(manifestOf(PATTERN)).replaceAll(new RegExp(`\\b${PATTERN}\\b`, 'g'), name)],
    ...added,
  ];
}

/** @returns each file in which the service has a place, its manifest aside, and what stands in it without the service. */
export function undeployed(read: Read, name: string): [string, string][] {
  const removed: [string, string][] = [
    [COMPOSE, withoutContainer(read(COMPOSE), name)],
    [WATCH, read(WATCH).replace(`\n  ${name}: *traced\n`, '\n')],
    [PROMETHEUS, read(PROMETHEUS).replace(new RegExp(`^ {6}- \\{ names: \\[${name}\\], .*\\n`, 'm'), '')],
    [KUSTOMIZATION, read(KUSTOMIZATION).replace(new RegExp(`(?<=^resources: \\[.*) ${name}\\.yaml,`, 'm'), '')],
  ];
  return removed.filter(([path, text]) => text !== read(path));
}

function before(text: string, place: RegExp, added: string, path: string): string {
  const index = text.search(place);
  if (index < 0) throw new Error(`${path} is not as it is known: add the service to it by hand`);
  return `${text.slice(0, index)}${added}${text.slice(index)}`;
}
