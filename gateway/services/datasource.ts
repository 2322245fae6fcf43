import type { GraphQLDataSource } from '@apollo/gateway';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Origin } from '../../events/outbox.ts';
import { type Tracer, untraced } from '../../events/tracing.ts';
import { clientError } from '../../schema/errors.ts';
import type { Identity, IdentityCodec } from '../../schema/identity.ts';
import type { Subgraph, SubgraphRequest } from '../../subgraphs/host.ts';
import type { FetchSource } from '../plans/fetch.ts';
import type { SubscriptionSource } from '../subscriptions/index.ts';

/** What travels with an operation through the gateway: who asks, and for whatever follows, where it came from. */
export type GatewayContext = Origin & { identity: Identity };

/** A subgraph as plans and subscriptions reach it, and Apollo's own executor. */
export type DataSource = FetchSource<GatewayContext> &
  SubscriptionSource<GatewayContext> &
  GraphQLDataSource<GatewayContext>;

/** The longest that one fetch from a subgraph may take, wherever the subgraph runs. */
const FETCH_TIMEOUT_MS = 30_000;
const TOO_LATE = 'A part of the system did not answer in time; the outcome is not known.';

/**
 * Reaches a subgraph in the name of the caller: every request carries an identity signed freshly, so that a subscription may
 * last longer than one.
 *
 * @param now the subgraph as it is now; it may be replaced with the supergraph.
 */
export function dataSource(
  now: () => Subgraph | undefined,
  identities: IdentityCodec,
  tracer: Tracer = untraced,
): DataSource {
  const subgraph = (): Subgraph => {
    const found = now();
    if (!found) throw new Error('a request to a subgraph that is gone');
    return found;
  };
  const source: FetchSource<GatewayContext> & SubscriptionSource<GatewayContext> = {
    async fetch({ query, variables, operationName }, { identity: caller, trace, correlationId }) {
      const identity = await identities.sign(caller);
      const asked = { query, variables, operationName, identity, correlationId };
      if (!tracer.active || !trace) return inTime(subgraph(), asked);
      const span = tracer.begin(`ask ${subgraph().name}`, { kind: 'client', parent: trace });
      const result = await inTime(subgraph(), { ...asked, traceparent: span.place });
      span.end(result.errors?.[0]);
      return result;
    },
    async subscribe(request, context) {
      const identity = await identities.sign(context.identity);
      return subgraph().subscribe({ ...request, identity });
    },
  };
  return {
    ...source,
    async process({ request: { query, variables = {}, operationName }, context: { identity, trace, correlationId } }) {
      if (!query || !identity) throw new GraphQLError('a fetch without a query or an identity');
      return source.fetch({ query, variables, operationName }, { identity, trace, correlationId });
    },
  };
}

function inTime(subgraph: Subgraph, request: SubgraphRequest): Promise<ExecutionResult> {
  return new Promise((resolve, reject) => {
    // Made only when it is needed: an error costs more than the rest of the fetch.
    const late = () => resolve({ errors: [clientError('TIMEOUT', TOO_LATE)] });
    const timer = setTimeout(late, FETCH_TIMEOUT_MS);
    subgraph.execute(request).then(
      result => {
        clearTimeout(timer);
        resolve(result);
      },
      error => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
