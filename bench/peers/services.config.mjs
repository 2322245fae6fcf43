/**
 * Hive Gateway over Tributary's real services, with the supergraph as it is: where they answer, how a client's token is
 * checked, and what they are told of the caller.
 */
import { createInlineSigningKeyProvider, extractFromConnectionParams, extractFromHeader } from '@graphql-hive/gateway';
import { IDENTITY_HEADER, identityCodec } from '../../schema/identity.ts';

const { AUTH_SECRET, SERVICE_URLS } = process.env;
const identities = identityCodec(AUTH_SECRET);

/** Tributary's clients send `Bearer …` over a socket too, which Hive takes for the token itself. */
const fromSocket = extractFromConnectionParams({ name: 'authorization' });
const bearerFromSocket = async payload => {
  const found = await fromSocket(payload);
  return found && { ...found, token: found.token.replace(/^Bearer /, '') };
};

/**
 * The services ask for the caller in a header; over a socket that many callers share, in each subscription's own
 * extensions, and for the gateway itself when it is opened.
 */
const signedIdentity = {
  async onSubgraphExecute({ executionRequest, setExecutionRequest }) {
    const { sub, roles = [] } = executionRequest.context.jwt.payload;
    const identity = await identities.sign({ ownerId: sub, operator: roles.includes('operator') });
    const headers = { ...executionRequest.extensions?.headers, [IDENTITY_HEADER]: identity };
    const extensions = { ...executionRequest.extensions, headers, [IDENTITY_HEADER]: identity };
    if (executionRequest.operationType === 'subscription') {
      extensions.connectionParams = { [IDENTITY_HEADER]: await identities.signConnection() };
    }
    setExecutionRequest({ ...executionRequest, extensions });
  },
};

export const gatewayConfig = {
  transportEntries: Object.fromEntries(
    Object.entries(JSON.parse(SERVICE_URLS)).map(([name, location]) => [
      name,
      { location, options: { subscriptions: { kind: 'ws', location: '/graphql' } } },
    ]),
  ),
  jwt: {
    signingKeyProviders: [createInlineSigningKeyProvider(AUTH_SECRET)],
    tokenLookupLocations: [extractFromHeader({ name: 'authorization', prefix: 'Bearer' }), bearerFromSocket],
    tokenVerification: { issuer: 'tributary', audience: 'tributary', algorithms: ['HS256'] },
    reject: { missingToken: true, invalidToken: true },
    forward: { payload: false },
  },
  plugins: () => [signedIdentity],
};
