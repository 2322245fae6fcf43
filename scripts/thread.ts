/** The second thread's program: see beside.ts. */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { pino } from 'pino';
import { type Measures, unmeasured } from '../events/measures.ts';
import { onlyNearby } from '../events/nearby.ts';
import { assemble, type RunningService } from '../events/service.ts';
import { loadService } from '../subgraphs/catalog.ts';
import type { FromThread, ThreadSettings, ToThread } from './beside.ts';
import { type Connections, connect } from './process.ts';

const { mongodbUrl, redisUrl, holder, level, services: names } = workerData as ThreadSettings;
const port = parentPort;
const tell = (message: FromThread) => port?.postMessage(message);
const aborts = new Map<number, AbortController>();

void main();

async function main(): Promise<void> {
  stepBack();
  const log = pino({ level }, { write: line => tell({ say: 'log', line }) });
  const connections = connect({ mongodbUrl, redisUrl, log, holder, nearby: onlyNearby });
  const resources = { ...connections.resources, measuresOf };
  const entries = await Promise.all(names.map(loadService));
  const services = new Map(entries.map(({ definition }) => [definition.name, assemble(definition, resources)]));
  for (const service of services.values()) service.startBeside();
  port?.on('message', (message: ToThread) => {
    if (message.say === 'run') void run(services, message);
    else if (message.say === 'abort') aborts.get(message.id)?.abort();
    else void stop(services, connections);
  });
  tell({ say: 'ready' });
}

/** On Linux a thread has a priority of its own: where both want a core, the first one has it, however low its own is. */
function stepBack(): void {
  const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
  // Never a higher one than it has: that not everybody may ask for.
  setPriority(Math.min(getPriority() + PRIORITY_BELOW_NORMAL, PRIORITY_LOW));
}

type Services = ReadonlyMap<string, RunningService<unknown>>;

async function run(services: Services, { id, service, task, input }: Extract<ToThread, { say: 'run' }>): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  const error = await services
    .get(service)
    ?.runTask(task, input, abort.signal)
    .then(() => undefined, String);
  aborts.delete(id);
  tell({ say: 'done', id, ...(error !== undefined && { error }) });
}

async function stop(services: Services, connections: Connections): Promise<void> {
  for (const abort of aborts.values()) abort.abort();
  await Promise.all([...services.values()].map(service => service.stop()));
  await connections.close();
  process.exit(0);
}

/** Counted where the first thread counts. Gauges are its own. */
function measuresOf(service: string): Measures {
  const measured =
    (what: keyof Omit<Measures, 'sample'>) =>
    (...args: unknown[]) =>
      tell({ say: 'measured', service, what, args });
  return {
    ...unmeasured,
    stored: measured('stored'),
    handled: measured('handled'),
    batchFailed: measured('batchFailed'),
    setAside: measured('setAside'),
  };
}
