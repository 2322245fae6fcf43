import type { SubgraphUrls } from '../supergraph.ts';

/** What a gateway's process is told. */
export type GatewaySettings = {
  supergraphFile: string;
  urls: SubgraphUrls;
  port: number;
  /** For a gateway with its subgraphs inside: how many accounts, and where their changes are ordered. */
  accounts: number;
  controlPort: number;
};

/** Says that this process answers. */
export function ready(name: string): void {
  // By an exit and not by the signal itself, so that Node still writes a profile that was asked for.
  process.once('SIGTERM', () => process.exit(0));
  process.stdout.write(`${name} is ready\n`);
}
