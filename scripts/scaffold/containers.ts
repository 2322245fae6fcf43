/** The container of a service in docker-compose.yml: added and removed as text, so that everything else in it stays as people wrote it. */
import { parse } from 'yaml';

type Composition = { services: Record<string, { environment?: Record<string, unknown> }> };

/** @returns where each container listens, by its name; 0 where that is not said. */
function portsIn(compose: string): Map<string, number> {
  const { services } = parse(compose, { merge: true }) as Composition;
  return new Map(
    Object.entries(services).map(([name, { environment }]) => [name, Number(environment?.PORT ?? 0)] as const),
  );
}

/** @returns a port that no container has. */
export const freePort = (compose: string): number => Math.max(...portsIn(compose).values()) + 1;

const urlVariable = (name: string) => `${name.toUpperCase().replaceAll('-', '_')}_URL`;

/**
 * @param compose the file's text.
 * @returns the text with a container for the service, that the gateway knows.
 * @throws when the file is not as it is known: nothing is guessed.
 */
export function withContainer(compose: string, name: string): string {
  const port = freePort(compose);
  const container = [
    `  ${name}:`,
    '    <<: *service',
    `    command: [${name}]`,
    `    environment: { <<: *environment, PORT: ${port} }`,
    '    depends_on: { <<: *stores }',
    '\n',
  ].join('\n');
  const [others, gateway = ''] = halves(compose, /^ {2}gateway:$/m);
  const known = afterLast(
    gateway,
    /^ {6}[A-Z_]+_URL: http:.*\n/gm,
    `      ${urlVariable(name)}: http://${name}:${port}/graphql\n`,
  );
  const awaited = afterLast(
    known,
    /^ {6}[a-z-]+: \{ condition: service_healthy \}\n/gm,
    `      ${name}: { condition: service_healthy }\n`,
  );
  return `${others}${container}${awaited}`;
}

/** @returns the text without the container of a service, that the gateway does not know any more. */
export function withoutContainer(compose: string, name: string): string {
  return compose
    .replace(new RegExp(`^ {2}${name}:\\n(?: {4}.*\\n|\\n)*`, 'm'), '')
    .replace(new RegExp(`^ {6}${urlVariable(name)}: .*\\n`, 'm'), '')
    .replace(new RegExp(`^ {6}${name}: \\{ condition: .*\\n`, 'm'), '');
}

function halves(text: string, at: RegExp): [string, string] {
  const index = text.search(at);
  if (index < 0) throw new Error('docker-compose.yml has no gateway: add the container by hand');
  return [text.slice(0, index), text.slice(index)];
}

function afterLast(text: string, line: RegExp, added: string): string {
  const last = [...text.matchAll(line)].at(-1);
  if (!last)
    throw new Error('docker-compose.yml does not say where the gateway finds services: add the container by hand');
  const end = last.index + last[0].length;
  return `${text.slice(0, end)}${added}${text.slice(end)}`;
}
