/** What the overview is made from: the system as the API says it is, once a second. */
import { type DataOf, gql } from '../client.ts';
import { addressOf } from '../router.ts';

export type Flow = { source: string; type: string; eventsPerSecond: number; eventsLastMinute: number };

export type ServiceHealth = {
  name: string;
  consumes: string[];
  emits: string[];
  running: boolean | null;
  lagEvents: number | null;
  lagSeconds: number | null;
  pausedQueues: number | null;
  failedJobs: number | null;
  faults: number | null;
  pendingEvents: number | null;
  oldestPendingSeconds: number | null;
};

export type Server = { name: string; state: 'OK' | 'DOWN'; roundTripMs: number | null };

export const SYSTEM = gql<{
  systemChanged: { time: string; events: number | null; flows: Flow[]; services: ServiceHealth[]; servers: Server[] };
}>(/* GraphQL */ `
  subscription System {
    systemChanged {
      time
      events
      flows { source type eventsPerSecond eventsLastMinute }
      services {
        name consumes emits running lagEvents lagSeconds pausedQueues failedJobs faults pendingEvents oldestPendingSeconds
      }
      servers { name state roundTripMs }
    }
  }
`);

export type System = DataOf<typeof SYSTEM>['systemChanged'];

/** Stands for every type. */
export const EVERY_TYPE = '*';

export const consumes = (service: Pick<ServiceHealth, 'consumes'>, type: string): boolean =>
  service.consumes.includes(type) || service.consumes.includes(EVERY_TYPE);

/** The service that a source names. */
export const serviceOf = (source: string): string => source.replace(/^\//, '');

const SERVERS: Record<string, string> = { mongodb: 'MongoDB', redis: 'Redis' };
export const serverName = (name: string): string => SERVERS[name] ?? name;

export const stateOf = (system: System, server: string): Server | undefined =>
  system.servers.find(({ name }) => name === server);

const sum = (flows: readonly Flow[]): number => flows.reduce((all, { eventsPerSecond }) => all + eventsPerSecond, 0);

/** Events per second: all that the lake takes, or what comes of a service, or to it. */
export const rateOf = ({ flows }: System): number => sum(flows);
export const rateFrom = ({ flows }: System, service: string): number =>
  sum(flows.filter(({ source }) => serviceOf(source) === service));
export const rateTo = ({ flows }: System, service: Pick<ServiceHealth, 'consumes'>): number =>
  sum(flows.filter(({ type }) => consumes(service, type)));

const small = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** Events per second to read: `0.4`, `12`, `1,204`. */
export const formatRate = (rate: number): string => (rate < 10 ? small : whole).format(rate);

/** How long a server took: `0.4 ms`, `12 ms`. */
export const formatRoundTrip = (ms: number): string => `${(ms < 10 ? small : whole).format(ms)} ms`;

/** Where the events of a type, or from a service, are listed. */
export const eventsAddress = ({ type, source }: { type?: string; source?: string }): string =>
  addressOf('events', undefined, { types: type, source });
export const faultsAddress = (service?: string): string => addressOf('faults', undefined, { service });
/** The gateway's page of the queues: not the console's own. */
export const QUEUES = '/queues';
