import type { ServiceDefinition } from '../../events/definition.ts';
import { type ChainRow, chainIndex, createChain } from '../../events/store.ts';
import { assertOperator } from '../../schema/errors.ts';
import { accountOpened } from '../../schema/events/account-opened.ts';
import { deposited } from '../../schema/events/deposited.ts';
import type { RequestContext, Resolvers } from '../../subgraphs/host.ts';

/** The state of an account after one more of its events. */
type Row = ChainRow & { ownerId?: string | undefined; largestMinor: number; deposits: number };

const ROWS_MAX = 10_000;

/** A service that a test adds to a running system: the largest deposit of each owner, and of how many. */
export const service: ServiceDefinition<Resolvers> = {
  name: 'largest',
  consumes: [accountOpened, deposited],
  emits: [],
  indexes: { store: [chainIndex] },
  create({ collection }) {
    const rows = collection<Row>('store');
    const chain = createChain<Row>({
      collection: rows,
      chainOf: event => event.subject ?? event.id,
      next(head, event) {
        const data = event.data as { ownerId?: string; amountMinor?: number };
        return {
          _id: event.id,
          chain: event.subject ?? event.id,
          version: (head?.version ?? 0) + 1,
          ownerId: head?.ownerId ?? data.ownerId,
          largestMinor: Math.max(head?.largestMinor ?? 0, data.amountMinor ?? 0),
          deposits: (head?.deposits ?? 0) + (event.type === deposited.type ? 1 : 0),
        };
      },
    });
    return {
      rules: [
        { on: [accountOpened, deposited], handle: async (events, how) => void (await chain.append(events, how)) },
      ],
      resolvers: {
        Query: {
          async largestDeposits(_: unknown, __: unknown, { identity }: RequestContext) {
            assertOperator(identity);
            const heads = new Map<string, Row>();
            for (const row of await rows.find().sort({ version: 1 }).limit(ROWS_MAX).toArray())
              heads.set(row.chain, row);
            const owners = new Map<string, { ownerId: string; amount: number; deposits: number }>();
            for (const { ownerId = '', largestMinor, deposits } of heads.values()) {
              const known = owners.get(ownerId) ?? { ownerId, amount: 0, deposits: 0 };
              const amount = Math.max(known.amount, largestMinor);
              owners.set(ownerId, { ownerId, amount, deposits: known.deposits + deposits });
            }
            return [...owners.values()].sort((a, b) => (a.ownerId < b.ownerId ? -1 : 1));
          },
        },
      },
    };
  },
};
