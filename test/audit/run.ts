/** The audit from beginning to end: the wait, the accounts, the system. */
import { signToken } from '../../gateway/identity.ts';
import { type Config, ConfigError, secretOf } from '../../scripts/config.ts';
import { assertLive, OutOfReach } from '../../scripts/demo/client.ts';
import { count, type Screen, startPhase } from '../../scripts/demo/progress.ts';
import {
  accountsOf,
  type EvidenceClient,
  emittedTypes,
  evidenceClient,
  noCounts,
  plusCounts,
  settled,
  systemOf,
  transfersOf,
} from '../evidence.ts';
import { accountTally, type Check, systemChecks, transferTally } from './checks.ts';
import { Refused } from './client.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { Rest } from './rest.ts';

/** The system is used, or busy: what is seen at one moment would contradict what is seen at the next. */
export class NotAtRest extends Error {
  override name = 'NotAtRest';
}

type Audit = Options & { config: Config; screen: Screen };

/** @throws OutOfReach, ConfigError, NotAtRest: it could not be tried. */
export async function audit({ config, screen, ...options }: Audit): Promise<Report> {
  const { url, waitSeconds } = options;
  await assertLive(url);
  const client = evidenceClient({ url, token: options.token ?? (await ownToken(config)) });
  await assertWelcome(client, url);

  const resting = startPhase(screen, 'Coming to rest', 'looks');
  const before = await settled(client, waitSeconds * 1000);
  resting.end(`${count(Math.max(0, before.events))} events`);
  const stuck = before.waiting.filter(({ oldestSeconds }) => oldestSeconds >= Math.max(1, waitSeconds));
  if (before.waiting.length > 0 && stuck.length === 0) throw notAtRest(before, waitSeconds);

  const { checks, system } = await readAll(client, screen, before, waitSeconds);
  // What stands still for good is a finding, and no reason to wait for it again.
  if (stuck.length === 0) await assertUnused(client, before, waitSeconds);
  const { head } = system.verification;
  const rest: Check = {
    name: 'everything comes to rest',
    checked: { seconds: waitSeconds },
    seen: true,
    violations: stuck.map(({ what }) => what),
    count: stuck.length,
  };
  return { url, lake: { events: system.verification.events, head }, checks: [...checks, rest] };
}

async function readAll(client: EvidenceClient, screen: Screen, { events }: Rest, waitSeconds: number) {
  const reading = startPhase(screen, 'Reading accounts', 'events', events);
  const accounts = accountTally(await emittedTypes(client));
  const transfers = transferTally();
  let counts = noCounts();
  for await (const account of accountsOf(client, { onEvents: reading.done })) {
    accounts.add(account);
    transfers.addAccount(account);
    counts = plusCounts(counts, account);
  }
  reading.end();
  const moving = startPhase(screen, 'Reading transfers', 'transfers');
  for await (const transfer of transfersOf(client)) {
    transfers.addTransfer(transfer);
    moving.done(1);
  }
  moving.end();
  const verifying = startPhase(screen, 'Verifying the lake', 'events');
  const system = await systemOf(client, counts);
  verifying.done(system.verification.events);
  verifying.end();
  return { checks: [...accounts.checks(), ...transfers.checks(), ...systemChecks(system, waitSeconds)], system };
}

async function assertUnused(client: EvidenceClient, before: Rest, waitSeconds: number): Promise<void> {
  const { waiting, events } = await settled(client, waitSeconds * 1000);
  if (waiting.length === 0 && events === before.events) return;
  throw new NotAtRest(
    `The system was used meanwhile: the lake has ${count(events - before.events)} more events. Audit it when nobody uses it.`,
  );
}

async function ownToken(config: Config): Promise<string> {
  if (config.AUTH_JWKS_URL) {
    throw new ConfigError('AUTH_JWKS_URL is set: give an operator token of whoever keeps those keys, with --token.');
  }
  return signToken(await secretOf(config), { sub: 'auditor', roles: ['operator'], expiresIn: '12h' });
}

async function assertWelcome(client: EvidenceClient, url: string): Promise<void> {
  try {
    await client.get('query Welcome { services { name } }');
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new OutOfReach(unwelcome(error, url));
  }
}

function unwelcome({ code, message }: Refused, url: string): string {
  if (code === 'UNAUTHENTICATED') {
    return `The system at ${url} refuses the audit's token. Give it the DATA_DIR or AUTH_SECRET that npm start has, or --token.`;
  }
  if (code === 'FORBIDDEN') {
    return "The token is not an operator's. Make one with: npm run -s token -- olga operator";
  }
  return `${url} does not answer as Tributary does: ${message}`;
}

function notAtRest({ waiting }: Rest, waitSeconds: number): NotAtRest {
  const what = waiting.map(each => `  ${each.what}`).join('\n');
  return new NotAtRest(
    `The system did not come to rest within ${waitSeconds} s:\n${what}\nAudit it when nobody uses it, or give it longer, with --wait.`,
  );
}
