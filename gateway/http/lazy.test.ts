/** Apollo's server starts late, and nobody notices. */
import { expect, onTestFinished, test } from 'vitest';
import { post, startGateway, supergraphSdl } from '../fixture.ts';
import type { Graph } from './graph.ts';
import { lazyGraph } from './lazy.ts';

/** Unusual enough to go by Apollo's server. */
const UNUSUAL = { accept: 'application/json;q=0.9' };
const OPENED = { query: '{ account(id: "a") { openedAt } }' };
const ID = { query: '{ account(id: "a") { id } }' };
const WITHOUT_OPENED = supergraphSdl.replace(/^ {2}openedAt: .*$/m, '');

async function started() {
  const all = await startGateway({ supergraphSdl: WITHOUT_OPENED });
  onTestFinished(() => all.gateway.stop());
  return all;
}

const opened = { data: { account: { openedAt: '2026-01-01T00:00:00Z' } } };

test('the first requests that go by it are answered, also when they come at once', async () => {
  const { gateway } = await started();
  const answers = await Promise.all(Array.from({ length: 3 }, () => post(gateway, ID, UNUSUAL)));
  expect(answers.map(({ json }) => json)).toEqual(Array(3).fill({ data: { account: { id: 'a' } } }));
});

test('it starts with the supergraph that is in use by then', async () => {
  const { gateway, subgraphs } = await started();
  expect((await post(gateway, OPENED, UNUSUAL)).status).toBe(400);
  gateway.reload(supergraphSdl, subgraphs);
  expect((await post(gateway, OPENED, UNUSUAL)).json).toEqual(opened);
});

test('it takes another one afterwards', async () => {
  const { gateway, subgraphs } = await started();
  expect((await post(gateway, ID, UNUSUAL)).status).toBe(200);
  gateway.reload(supergraphSdl, subgraphs);
  expect((await post(gateway, OPENED, UNUSUAL)).json).toEqual(opened);
});

/** A graph that starts when it is told to, and what it was given. */
function slow() {
  const { promise, resolve, reject } = withResolvers();
  const seen: string[] = [];
  const inner: Graph = {
    answer: () => void seen.push('asked'),
    update: sdl => void seen.push(sdl),
    stop: async () => {},
  };
  // Nothing of what the gateway knows matters here.
  const options = {} as Parameters<typeof lazyGraph>[0];
  const graph = lazyGraph(options, 'one', ({ supergraphSdl }) => {
    seen.push(`begins with ${supergraphSdl}`);
    return promise.then(() => inner);
  });
  return { graph, seen, resolve, reject };
}

function withResolvers() {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

// Neither is looked at.
const [request, response] = [{}, {}] as [Parameters<Graph['answer']>[0], Parameters<Graph['answer']>[1]];

test('it takes another one that came while it started, before it answers', async () => {
  const { graph, seen, resolve } = slow();
  const first = graph.answer(request, response, () => undefined);
  graph.update('two');
  resolve();
  await first;
  graph.update('three');
  await graph.answer(request, response, () => undefined);
  expect(seen).toEqual(['begins with one', 'two', 'asked', 'three', 'asked']);
});

test('where it cannot start the request fails, and the next one tries again', async () => {
  const { graph, seen, reject } = slow();
  const errors: unknown[] = [];
  reject(new Error('no'));
  for (let tries = 0; tries < 2; tries++) await graph.answer(request, response, error => errors.push(error));
  expect(errors).toEqual([new Error('no'), new Error('no')]);
  expect(seen).toEqual(['begins with one', 'begins with one']);
  await graph.stop();
});

test('a gateway stops that never needed it', async () => {
  const { gateway } = await startGateway();
  expect((await post(gateway, ID)).status).toBe(200);
  await gateway.stop();
});
