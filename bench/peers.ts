/**
 * The gateways that are measured, and how each is started. All get a bearer token with every request. Tributary, always,
 * and `apollo` and `limit`, here, check it; Hive and Grafbase come without that and are left so, in their favour.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../embedded/port.ts';
import type { GatewaySettings } from './gateways/settings.ts';
import { startHive } from './hive-process.ts';
import { type Running, startProcess, startScript } from './process.ts';
import { SUBGRAPHS } from './subgraphs/bank.ts';
import { composeBench, type SubgraphUrls, sdlFileOf } from './supergraph.ts';

export const PEERS = ['tributary', 'tributary-in-process', 'limit', 'grafbase', 'hive-rust', 'hive', 'apollo'] as const;
export type PeerName = (typeof PEERS)[number];

/** A gateway that answers. */
export type Peer = {
  name: PeerName;
  /** GraphQL over HTTP POST. */
  url: string;
  /** graphql-transport-ws; `apollo` and `limit` have none. */
  wsUrl: string;
  /** The gateway's processes; the processes that they have started are found by `cpuOf`. */
  pids: number[];
  /** Where the bank that it answers from takes orders: the subgraphs' own, or inside. */
  controlUrl: string;
  stop(): Promise<void>;
};

export type PeerOptions = {
  subgraphs: { urls: SubgraphUrls; controlUrl: string };
  /** Of a bank inside. */
  accounts: number;
  /** For Node of the peers that are ours, as `--cpu-prof`. */
  nodeArgs?: readonly string[];
};

type Start = (settings: GatewaySettings, folder: string, nodeArgs: readonly string[]) => Promise<Running>;

const HOST = '127.0.0.1';
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const script =
  (name: string): Start =>
  (settings, _folder, nodeArgs) =>
    startScript(name, `gateways/${name}.ts`, settings, nodeArgs);

const hive =
  (name: string, flags: readonly string[] = []): Start =>
  ({ supergraphFile, port }) =>
    startHive({ name, port, supergraphFile, config: 'bench.config.mjs', flags });

const STARTS: Record<PeerName, Start> = {
  tributary: script('tributary'),
  'tributary-in-process': script('tributary-in-process'),
  limit: script('limit'),
  apollo: script('apollo'),
  hive: hive('hive'),
  'hive-rust': hive('hive-rust', ['--hive-router-runtime']),
  grafbase: startGrafbase,
};

/** Starts a gateway in front of the subgraphs. @throws with what it printed when it does not become ready. */
export async function startPeer(name: PeerName, { subgraphs, accounts, nodeArgs = [] }: PeerOptions): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const supergraphFile = join(folder, 'supergraph.graphql');
  writeFileSync(supergraphFile, composeBench(subgraphs.urls));
  const [port, controlPort] = [await freePort(), await freePort()];
  const settings = { supergraphFile, urls: subgraphs.urls, port, accounts, controlPort };
  const running = await STARTS[name](settings, folder, nodeArgs);
  const path = name === 'apollo' ? '/' : '/graphql';
  return {
    name,
    url: `http://${HOST}:${port}${path}`,
    wsUrl: `ws://${HOST}:${port}${name === 'grafbase' ? '/ws' : path}`,
    pids: [running.pid],
    controlUrl: name === 'tributary-in-process' ? `http://${HOST}:${controlPort}/control` : subgraphs.controlUrl,
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const answers = (url: string) => async (): Promise<boolean> => {
  const body = JSON.stringify({ query: '{ __typename }' });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return response.ok;
};

/** What the registry has of Grafbase's gateway, in Rust, is the one inside its command line's `dev`. */
function startGrafbase({ urls, port }: GatewaySettings, folder: string): Promise<Running> {
  const config = join(folder, 'grafbase.toml');
  const parts = SUBGRAPHS.map(
    name => `[subgraphs.${name}]
url = "${urls[name]}"
websocket_url = "${urls[name].replace('http', 'ws')}"
subscription_protocol = "websocket"
schema_path = "${fileURLToPath(sdlFileOf(name))}"
`,
  );
  writeFileSync(config, parts.join('\n'));
  return startProcess('grafbase', {
    file: at('peers/node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase'),
    args: ['--home', folder, 'dev', '--config', config, '--listen-address', `${HOST}:${port}`],
    cwd: folder,
    ready: answers(`http://${HOST}:${port}/graphql`),
  });
}
