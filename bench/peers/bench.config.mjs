/**
 * Hive Gateway as it comes: the supergraph and where it listens are said on its command line. Only that the subgraphs
 * stream over graphql-ws has to be said here.
 */
export const gatewayConfig = {
  transportEntries: {
    '*.http': { options: { subscriptions: { kind: 'ws', location: '/graphql' } } },
  },
};
