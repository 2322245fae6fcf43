/** Tributary's gateway over subgraphs in other processes, as `npm run service -- gateway` starts it. */
import { pino } from 'pino';
import { remoteSubgraph } from '../../gateway/services/remote.ts';
import { identityCodec } from '../../schema/identity.ts';
import { told } from '../process.ts';
import { SUBGRAPHS } from '../subgraphs/bank.ts';
import { SECRET } from '../token.ts';
import { type GatewaySettings, ready } from './settings.ts';
import { startTributary } from './start.ts';

const settings = told<GatewaySettings>();
const log = pino({ level: 'warn' });
const identities = identityCodec(SECRET);
const remotes = SUBGRAPHS.map(name => remoteSubgraph({ name, url: settings.urls[name], identities, log }));
await startTributary(settings, Object.fromEntries(remotes.map(remote => [remote.name, remote])), log);
ready('tributary');
