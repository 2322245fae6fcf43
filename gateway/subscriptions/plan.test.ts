import { expect, test } from 'vitest';
import { documentRules, operationReader } from '../documents/operations.ts';
import { supergraphSdl } from '../fixture.ts';
import { EVENT_SERVICE, operationPlanner } from './plan.ts';

function plan(query: string, sdl = supergraphSdl) {
  const planner = operationPlanner(sdl);
  const operation = operationReader(planner.schema, documentRules({ introspection: true }))({ query });
  if (!('definition' in operation)) throw new Error(operation.map(({ message }) => message).join());
  return { planner, operation, ...planner.plan(operation) };
}

test('the root field is subscribed to where it is owned, and the event stands for its fetch', () => {
  const { primary, perEvent, fetches } = plan('subscription { balanceChanged(accountId: "a") { name } }');
  expect(primary).toMatchObject({ serviceName: 'account', variableUsages: [] });
  expect(perEvent.node).toMatchObject({ kind: 'Sequence', nodes: [{ kind: 'Fetch', serviceName: EVENT_SERVICE }] });
  expect(fetches).toBe(false);
});

test('what other services add is fetched with every event', () => {
  const { perEvent, fetches } = plan(
    'subscription { balanceChanged(accountId: "a") { ledger { nodes { eventId } } } }',
  );
  expect(JSON.stringify(perEvent.node)).toContain('"serviceName":"balance"');
  expect(fetches).toBe(true);
});

test('an operation is planned once', () => {
  const { planner, operation, primary } = plan('subscription { balanceChanged(accountId: "a") { name } }');
  expect(planner.plan(operation).primary).toBe(primary);
});

test.each<[string, boolean]>([
  ['balanceChanged(accountId: "a") { id }', true],
  ['replayProgress(id: "a") { applied }', true],
  ['eventStored { position }', false],
])('%s: a state that makes the one before worthless? %s', (field, state) => {
  expect(plan(`subscription { ${field} }`).state).toBe(state);
});

test('a field tagged as public is shared by all callers, unless others add to it what may be the caller’s own', () => {
  const declared = (field: string) => new RegExp(`(  ${field}\\(.*@join__field\\(graph: \\w+\\))`);
  const publicly = (field: string) => supergraphSdl.replace(declared(field), '$1 @tag(name: "stream-public")');
  expect(plan('subscription { eventStored { position } }').public).toBe(false);
  expect(plan('subscription { eventStored { position } }', publicly('eventStored')).public).toBe(true);
  const balances = publicly('balanceChanged');
  expect(plan('subscription { balanceChanged(accountId: "a") { name } }', balances).public).toBe(true);
  expect(plan('subscription { balanceChanged(accountId: "a") { statistics { deposits } } }', balances).public).toBe(
    false,
  );
});
