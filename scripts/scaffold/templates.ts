/** What a new service's files say. Whoever made it goes on from there: docs/ADD-A-SERVICE.md. */
import { z } from 'zod';
import { type Contract, contract } from '../../events/contract.ts';
import { eventId } from '../../schema/shapes.ts';
import { camel, pascal, type Wish } from './wish.ts';

/** The contract of an event type that a new service emits: what `contractSource` says. */
export function newContract(type: string, service: string): Contract {
  return contract({
    ...{ type, version: 1, description: descriptionOf(service) },
    data: z.object({ eventId: eventId.describe(EVENT_ID) }),
    example: { eventId: EXAMPLE_ID },
  });
}

const EXAMPLE_ID = '6f1f3a52-70a5-4b8c-9c0e-5a1d2f6b7c41';
const EVENT_ID = 'The event that it was decided because of.';
const descriptionOf = (service: string) => `The ${service} service has decided something because of another event.`;

const contractImport = (type: string, isType = false) =>
  `import { ${isType ? 'type ' : ''}${camel(type)} } from '../../schema/events/${type}.ts';`;
const listed = (types: readonly string[]) => `[${types.map(camel).join(', ')}]`;

export function contractSource(type: string, service: string): string {
  return `import { z } from 'zod';
import { contract } from '../../events/contract.ts';
import { eventId } from '../shapes.ts';

export const ${camel(type)} = contract({
  type: '${type}',
  version: 1,
  description: '${descriptionOf(service)}',
  data: z.object({ eventId: eventId.describe('${EVENT_ID}') }),
  example: { eventId: '${EXAMPLE_ID}' },
});
`;
}

export function definitionSource({ name, consumes, emits }: Wish): string {
  const decides = emits.length > 0;
  return `import type { ServiceDefinition } from '../../events/definition.ts';
import { rule } from '../../events/rule.ts';
${[...consumes, ...emits].map(type => contractImport(type)).join('\n')}
import type { Resolvers } from '../host.ts';
${decides ? "import { type Cause, decide } from './decide.ts';\n" : ''}import { createResolvers } from './resolvers.ts';
import { createView, indexes } from './view.ts';

/** The ${name} service. */
export const service: ServiceDefinition<Resolvers> = {
  name: '${name}',
  consumes: ${listed(consumes)},
  emits: ${listed(emits)},
  derived: { store: { subject: 'chain', incomparable: 'all' } },
  indexes,
  create(context) {
    const view = createView(context);
    const keep = rule<unknown>(${listed(consumes)}, view.keep);
${
  decides
    ? `    const answer = rule<Cause['data']>(${listed(consumes)}, causes => context.outbox.appendDerived(causes.flatMap(decide)));
    return {
      rules: [keep, answer],
      // A copy of the view is built beside it without deciding anything again.
      rebuilding: { rules: [keep] },
      resolvers: createResolvers(view),
    };`
    : '    return { rules: [keep], resolvers: createResolvers(view) };'
}
  },
};
`;
}

export function decisionSource({ name, consumes, emits }: Wish): string {
  const cause = consumes.map(type => `EventOf<typeof ${camel(type)}>['data']`).join(' | ');
  const drafts = emits.map(
    type => `createEvent(${camel(type)}, { ...follows(${camel(type)}.type), data: { eventId: cause.id } })`,
  );
  return `/** What the ${name} service decides: pure, so that the same event has the same consequences whenever it comes. */
import { createEvent, type EventOf } from '../../events/contract.ts';
import { causedBy, deriveId, type Event } from '../../events/event.ts';
${consumes.map(type => contractImport(type, true)).join('\n')}
${emits.map(type => contractImport(type)).join('\n')}

export type Cause = Event<${cause}>;

/** The events that follow from one. Their ids say what they follow from: decided again, they are the same events. */
export function decide(cause: Cause): Event[] {
  const follows = (type: string) => ({
    id: deriveId(type, cause.id),
    source: '/${name}',
    subject: cause.subject,
    time: cause.time,
    ...causedBy(cause),
  });
  return [${drafts.join(', ')}];
}
`;
}

export function viewSource({ name }: Wish): string {
  const row = `${pascal(name)}Row`;
  return `/** What the ${name} service knows: a chain for each subject. The newest row is what all its events so far come to. */
import type { ServiceContext } from '../../events/definition.ts';
import type { Event } from '../../events/event.ts';
import { follow } from '../../events/feed.ts';
import type { Handling } from '../../events/rule.ts';
import { type ChainRow, chainIndex, createChain } from '../../events/store.ts';

/** \`chain\` is the subject, \`version\` how many of its events were heard of. */
export type ${row} = ChainRow;

export const indexes = { store: [chainIndex] } as const;

/** The row after one more event: pure, and the same in the end for any order of the events. */
export function next(head: ${row} | undefined, { id, subject = id }: Event): ${row} {
  return { _id: id, chain: subject, version: (head?.version ?? 0) + 1 };
}

export type View = ReturnType<typeof createView>;

export function createView({ collection, feed }: Pick<ServiceContext, 'collection' | 'feed'>) {
  const chainOf = ({ id, subject = id }: Event) => subject;
  const chain = createChain<${row}>({ collection: collection('store'), chainOf, next });
  const topicOf = (subject: string) => \`${name}/\${subject}\`;
  return {
    find: chain.head,

    /** The rule: keeps events, and tells whoever watches. */
    async keep(events: readonly Event[], how?: Handling): Promise<number> {
      const { appended, heads } = await chain.append(events, how);
      await feed.publish((await heads()).map(row => ({ topic: topicOf(row.chain), message: row })));
      return appended.length;
    },

    /** The newest row of a subject, then each newer one. */
    watch(subject: string): AsyncIterableIterator<${row}> {
      let shown = 0;
      const hints = feed.watch<${row}>(topicOf(subject), ({ version }) => version);
      return follow(hints, async hint => {
        const row = hint && 'message' in hint ? hint.message : await chain.head(subject);
        if (!row || row.version <= shown) return undefined;
        shown = row.version;
        return row;
      });
    },
  };
}
`;
}

export function nodesSource({ name }: Wish): string {
  const type = pascal(name);
  return `/** What the resolvers hand over for the types of the schema, where it is not what clients see. */
import type { ${type}Row } from './view.ts';

export type ${type}Node = ${type}Row;
`;
}

export function resolversSource({ name }: Wish): string {
  const [field, type] = [camel(name), pascal(name)];
  return `import { assertOperator, clientError } from '../../schema/errors.ts';
import type { Resolvers } from './generated.ts';
import type { ${type}Row, View } from './view.ts';

export function createResolvers(view: View): Resolvers {
  return {
    Query: {
      ${field}(_, { id }, { identity }) {
        assertOperator(identity);
        return view.find(id);
      },
    },
    Subscription: {
      ${field}Changed: {
        async subscribe(_, { id }, { identity }) {
          assertOperator(identity);
          if (await view.find(id)) return view.watch(id);
          throw clientError('NOT_FOUND', \`The ${name} service has not heard of \${id}.\`);
        },
        resolve: (row: ${type}Row) => row,
      },
    },
    ${type}: { id: ({ chain }) => chain, events: ({ version }) => version },
  };
}
`;
}

export function sdlSource({ name }: Wish): string {
  const [field, type] = [camel(name), pascal(name)];
  return `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@tag"])

type Query {
  "What the ${name} service knows of a subject; null when it has not heard of it. Operators only."
  ${field}(id: ID!): ${type}
}

type Subscription {
  "The same now, then each time it changes. Operators only."
  ${field}Changed(id: ID!): ${type}! @tag(name: "stream-state")
}

type ${type} {
  "The subject: an account."
  id: ID!
  "How many events of it were heard of."
  events: Int!
}
`;
}

export function testSource({ name, consumes, emits }: Wish): string {
  const answers = emits
    .map(emitted => `{ type: '${emitted}', subject: 'an account', causationid: event.id }`)
    .join(', ');
  const examples = consumes.map(type => `exampleOf(${camel(type)})`).join(', ');
  return `import { describe, expect, test } from 'vitest';
${emits.length > 0 ? "import { ruleScenarios } from '../../events/scenario.ts';\n" : ''}${consumes.map(type => contractImport(type)).join('\n')}
import { alone } from '../../test/alone.ts';
import { exampleOf } from '../../test/example.ts';
import { service } from './index.ts';

describe('the ${name} service', () => {
${
  emits.length > 0
    ? `  const given = ruleScenarios(() => alone(service));

  test.each([${examples}])('answers $type', async event => {
    await given()
      .when(event)
      .then(${answers});
  });

`
    : ''
}  test('keeps what it hears, once', async () => {
    const { rules, rows } = await alone(service);
    const events = [${examples}];
    for (const event of [...events, ...events]) await rules[0]?.handle([event]);
    expect(rows('store')).toMatchObject(events.map(({ id }, index) => ({ _id: id, version: index + 1 })));
  });
});
`;
}

export function orderTestSource(): string {
  return `import { testAnyOrder } from '../../test/anyorder.ts';
import { service } from './index.ts';

testAnyOrder(service);
`;
}
