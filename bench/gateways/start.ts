import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { tokenVerifier } from '../../gateway/identity.ts';
import { createGateway, type Gateway } from '../../gateway/index.ts';
import { identityCodec } from '../../schema/identity.ts';
import type { Subgraph } from '../../subgraphs/host.ts';
import { SECRET } from '../token.ts';
import type { GatewaySettings } from './settings.ts';

const MANY = 1_000_000;

/** Starts the product's gateway with nothing of it switched off; only the limits of a caller are wide. */
export function startTributary(
  { supergraphFile, port }: GatewaySettings,
  subgraphs: Record<string, Subgraph>,
  log: Logger,
): Promise<Gateway> {
  return createGateway({
    supergraphSdl: readFileSync(supergraphFile, 'utf8'),
    subgraphs,
    tokens: tokenVerifier({ secret: SECRET }),
    identities: identityCodec(SECRET),
    health: async () => ({}),
    host: '127.0.0.1',
    port,
    // Counted, but never reached.
    limits: { connections: MANY, subscriptions: MANY, requestsPerMinute: MANY * MANY },
    log,
    introspection: false,
  });
}
