/**
 * Apollo Gateway as it comes with Apollo Server: its own HTTP server, its default data source. The client's token is
 * checked by the same verifier as in Tributary.
 */
import { readFileSync } from 'node:fs';
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { bearer, type Caller, tokenVerifier } from '../../gateway/identity.ts';
import { told } from '../process.ts';
import { SECRET } from '../token.ts';
import { type GatewaySettings, ready } from './settings.ts';

process.env.APOLLO_TELEMETRY_DISABLED = 'true';
const { supergraphFile, port } = told<GatewaySettings>();
const verify = tokenVerifier({ secret: SECRET });
const server = new ApolloServer<Caller>({
  gateway: new ApolloGateway({ supergraphSdl: readFileSync(supergraphFile, 'utf8') }),
});
await startStandaloneServer(server, {
  listen: { port, host: '127.0.0.1' },
  context: ({ req }) => verify(bearer(req.headers.authorization)),
});
ready('apollo');
