/** The subgraphs of a measurement: two processes, the same for every gateway. */
import { freePort } from '../embedded/port.ts';
import { type Running, startScript } from './process.ts';
import { SUBGRAPHS } from './subgraphs/bank.ts';
import type { SubgraphSettings } from './subgraphs/serve.ts';
import type { SubgraphUrls } from './supergraph.ts';

export { control } from './subgraphs/control.ts';

export type Subgraphs = {
  urls: SubgraphUrls;
  /** Where the changes of balances are ordered: see `control`. */
  controlUrl: string;
  pids: number[];
  stop(): Promise<void>;
};

/** Starts both on free ports, over the accounts `a1`, `a2`, … */
export async function startSubgraphs({ accounts }: { accounts: number }): Promise<Subgraphs> {
  const running: Running[] = [];
  const urls: SubgraphUrls = { account: '', balance: '' };
  for (const name of SUBGRAPHS) {
    const port = await freePort();
    running.push(await startScript(name, 'subgraphs/serve.ts', { name, port, accounts } satisfies SubgraphSettings));
    urls[name] = `http://127.0.0.1:${port}/graphql`;
  }
  return {
    urls,
    controlUrl: new URL('/control', urls.account).href,
    pids: running.map(({ pid }) => pid),
    async stop() {
      await Promise.all(running.map(each => each.stop()));
    },
  };
}
