/** What must be so when all requests have been answered: the system has come to rest, and has nothing to complain about. */
import { clientOf, eventually, openAccount, type System } from '../../system.ts';
import { distinct } from './run.ts';

type State = {
  services: { name: string; lagEvents: number; faults: number }[];
  verifyLake: { valid: boolean };
};

const STATE = '{ services { name lagEvents faults } verifyLake { valid } }';
const REST_WITHIN_MS = 30_000;
/** pino's. */
const ERROR_LEVEL = /^\{"level":[56]0.*/gm;
const LINES_MAX = 5;
const LINE_CHARS_MAX = 600;

/** @returns everything that is wrong. */
export async function wrongAfterwards(system: System): Promise<string[]> {
  const wrong = await wrongWith(system.url).catch((error: Error) => [`afterwards: ${error.message}`]);
  const logged = system.output().match(ERROR_LEVEL) ?? [];
  const lines = distinct(logged.map(line => line.slice(0, LINE_CHARS_MAX))).slice(0, LINES_MAX);
  return [...wrong, ...lines.map(line => `logged: ${line}`)];
}

async function wrongWith(url: string): Promise<string[]> {
  const [alice, olga] = await Promise.all([clientOf(url, 'alice'), clientOf(url, 'olga', ['operator'])]);
  const ready = await fetch(`${url}/health/ready`);
  await openAccount(alice);
  const { services, verifyLake } = await eventually(
    () => olga.get<State>(STATE),
    state => state.services.every(({ lagEvents }) => lagEvents === 0),
    REST_WITHIN_MS,
  );
  return [
    ...(ready.ok ? [] : [`not ready: ${await ready.text()}`]),
    ...(verifyLake.valid ? [] : ['the chain of the lake is broken']),
    ...services.filter(({ faults }) => faults > 0).map(({ name, faults }) => `${name} has set aside ${faults} events`),
  ];
}
