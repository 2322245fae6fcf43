/** Tributary's gateway with its subgraphs in its own process, as `npm start` starts it. */
import { pino } from 'pino';
import { identityCodec } from '../../schema/identity.ts';
import { hostSubgraph } from '../../subgraphs/host.ts';
import { told } from '../process.ts';
import { createBank, SUBGRAPHS } from '../subgraphs/bank.ts';
import { serveControl } from '../subgraphs/control.ts';
import { sdlOf } from '../supergraph.ts';
import { SECRET } from '../token.ts';
import { type GatewaySettings, ready } from './settings.ts';
import { startTributary } from './start.ts';

const settings = told<GatewaySettings>();
const log = pino({ level: 'warn' });
const bank = createBank(settings.accounts);
const identities = identityCodec(SECRET);
const hosted = SUBGRAPHS.map(name =>
  hostSubgraph({ name, sdl: sdlOf(name), resolvers: bank.resolvers[name], identities, log }),
);
await startTributary(settings, Object.fromEntries(hosted.map(each => [each.name, each])), log);
serveControl(bank, settings.controlPort);
ready('tributary in process');
