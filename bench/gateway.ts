/**
 * `npm run bench:gateway`: what each gateway makes of the same subgraphs on this machine. All run at once and are asked in
 * turn, so that whatever else the machine does, it does to all.
 */
import { cpus } from 'node:os';
import { residentOf } from './measure.ts';
import { ACCOUNTS, OPERATIONS } from './operations.ts';
import { type Options, optionsOrExit } from './options.ts';
import { type Peer, startPeer } from './peers.ts';
import { type Medians, QUERIES, type Target, takeSamples } from './samples.ts';
import { startSubgraphs } from './subgraphs.ts';
import { tokenOf } from './token.ts';

const MEGABYTE = 1_000_000;

function tableOf(peers: readonly Peer[], direct: Target, medians: Medians): string {
  const directMs = medians(direct, OPERATIONS.deposit).p50Ms;
  const titles = QUERIES.flatMap(({ title }) => [`${title}, req/s`, 'CPU ms/req']);
  const rows = peers.map(peer => [
    peer.name,
    ...QUERIES.map(query => medians(peer, query)).flatMap(({ perSecond, cpuMs }) => [
      Math.round(perSecond).toLocaleString('en-GB'),
      cpuMs.toFixed(2),
    ]),
    (medians(peer, OPERATIONS.deposit).p50Ms - directMs).toFixed(2),
    (residentOf(peer.pids) / MEGABYTE).toFixed(0),
  ]);
  const heads = ['gateway', ...titles, 'mutation, ms added (p50)', 'memory, MB'];
  const lines = [heads, ['---', ...heads.slice(1).map(() => '--:')], ...rows];
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

function notesOn({ rounds, seconds, connections }: Options, direct: Target, medians: Medians): string {
  const directMs = medians(direct, OPERATIONS.deposit).p50Ms.toFixed(2);
  return `Medians of ${rounds} rounds of ${seconds} s, ${connections} requests at a time; ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}.
The client and the subgraphs run on the same cores. Mutations are sent one at a time; at the subgraph itself one takes ${directMs} ms.
The memory of tributary-in-process holds the accounts too.`;
}

const options = optionsOrExit();
const subgraphs = await startSubgraphs({ accounts: ACCOUNTS });
const peers: Peer[] = [];
try {
  for (const name of options.peers) peers.push(await startPeer(name, { subgraphs, accounts: ACCOUNTS }));
  const direct: Target = { name: 'account', url: subgraphs.urls.account, pids: subgraphs.pids };
  const medians = await takeSamples(peers, direct, await tokenOf(), options);
  console.log(`${tableOf(peers, direct, medians)}\n\n${notesOn(options, direct, medians)}`);
} finally {
  await Promise.all([subgraphs, ...peers].map(each => each.stop()));
}
