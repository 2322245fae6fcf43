import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { headOf, open, requestOf } from './http.ts';
import { type Answered, closedLoop, openLoop } from './pace.ts';

const PAUSE_MS = 100;
let server: Server | undefined;
afterEach(() => server?.close());

/** Answers nothing before so many have come, and then a pause is over; and at once after it. */
async function pausing(count = 1): Promise<{ url: string; most(): number }> {
  let [came, now, most] = [0, 0, 0];
  let goOn: () => void = () => undefined;
  const over = new Promise<void>(resolve => {
    goOn = () => setTimeout(resolve, PAUSE_MS);
  });
  server = createServer(async (request, response) => {
    now += 1;
    most = Math.max(most, now);
    request.resume();
    if (++came === count) goOn();
    await over;
    now -= 1;
    response.end('{}');
  });
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, most: () => most };
}

async function collect(url: string, run: typeof openLoop | typeof closedLoop): Promise<Answered[]> {
  const answers: Answered[] = [];
  const head = headOf(`${url}/graphql`, 'token');
  await run({
    ...{ url, seconds: 0.4, perSecond: 100, clients: 2 },
    request: n => requestOf(head, `{"n":${n}}`),
    onAnswer: answered => answers.push(answered),
  });
  return answers;
}

const waited = (answers: readonly Answered[]) => answers.filter(({ tookMs }) => tookMs > 50).length;

describe('a load', () => {
  it('that arrives at a rate goes on arriving while nothing is answered, and all that wait are counted as waiting', async () => {
    const { url, most } = await pausing(25);
    const answers = await collect(url, openLoop);
    expect(answers.map(({ n }) => n).sort((one, other) => one - other)).toEqual([...Array(40).keys()]);
    expect(most()).toBeGreaterThanOrEqual(25);
    // Those that had come when the pause began.
    expect(waited(answers)).toBeGreaterThanOrEqual(25);
  });

  it('of a number of clients waits with them: only what was on its way is seen to wait', async () => {
    const { url, most } = await pausing(2);
    const answers = await collect(url, closedLoop);
    expect(most()).toBe(2);
    expect(waited(answers)).toBeGreaterThanOrEqual(2);
    expect(waited(answers)).toBeLessThan(15);
  });

  it('ends with an error, and does not wait for ever, when it is sent on a connection that the server has closed', async () => {
    const { url } = await pausing();
    const { hostname, port } = new URL(url);
    const exchange = await open(hostname, Number(port));
    const request = requestOf(headOf(`${url}/graphql`, 'token'), '{}');
    expect(await exchange.ask(request)).toContain('200 OK');
    server?.closeAllConnections();
    await new Promise(resolve => setTimeout(resolve, 50));
    await expect(exchange.ask(request)).rejects.toThrow('closed the connection');
  });

  it('ends with an error when the server is gone', async () => {
    await expect(collect('http://127.0.0.1:1', openLoop)).rejects.toThrow();
  });
});
