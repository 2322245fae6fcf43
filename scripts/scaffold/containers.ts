/** The container of a service in docker-compose.yml: added as text, so that everything else in it stays as people wrote it. */
import { parse } from 'yaml';

type Composition = { services: Record<string, { environment?: Record<string, unknown> }> };

/**
 * @param compose the file's text.
 * @returns the text with a container for the service, that the gateway knows.
 * @throws when the file is not as it is known: nothing is guessed.
 */
export function withContainer(compose: string, name: string): string {
  const { services } = parse(compose, { merge: true }) as Composition;
  const ports = Object.values(services).map(({ environment }) => Number(environment?.PORT ?? 0));
  const port = Math.max(...ports) + 1;
  const variable = `${name.toUpperCase().replaceAll('-', '_')}_URL`;
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
    `      ${variable}: http://${name}:${port}/graphql\n`,
  );
  const awaited = afterLast(
    known,
    /^ {6}[a-z-]+: \{ condition: service_healthy \}\n/gm,
    `      ${name}: { condition: service_healthy }\n`,
  );
  return `${others}${container}${awaited}`;
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
