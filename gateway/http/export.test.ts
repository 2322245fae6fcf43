import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { assertOperator, clientError } from '../../schema/errors.ts';
import { readSdl } from '../../subgraphs/catalog.ts';
import { hostSubgraph, type RequestContext } from '../../subgraphs/host.ts';
import { fakes, identities, recordingLog, startGateway, tokenOf } from '../fixture.ts';
import { dataSource } from '../services/datasource.ts';
import { until } from '../subscriptions/topic.ts';
import { EXPORT_PATH, lakeExport, parseExport } from './export.ts';

type Asked = { filter: object; after: number; until: number | null };
type Part = { text: string; position: number; until: number };

const LINE = `${JSON.stringify({ id: 'x'.repeat(200) })}\n`;
const PART_EVENTS = 500;
const CHARS_A_PART = LINE.length * PART_EVENTS;
/** What the operating system may hold of a connection, and then some. */
const SOCKET_CHARS_MAX = 20_000_000;

/** A lake of events that are all alike, in parts. */
const partOf =
  (size: number) =>
  ({ after, until }: Asked): Part => {
    const position = Math.min(size, after + PART_EVENTS);
    return { text: LINE.repeat(position - after), position, until: until ?? size };
  };

function fakeLake(part: (asked: Asked) => Part | Promise<Part>) {
  const asked: Asked[] = [];
  const subgraph = hostSubgraph({
    name: 'lake',
    sdl: readSdl('lake'),
    resolvers: {
      Query: {
        eventLines(_: unknown, given: Asked, { identity }: RequestContext) {
          assertOperator(identity);
          asked.push(given);
          return part(given);
        },
      },
    },
    identities,
    log: recordingLog().log,
  });
  return { subgraph, asked };
}

/** A gateway before such a lake, and what an operator gets of it. */
async function started(part: (asked: Asked) => Part | Promise<Part>) {
  const { subgraph, asked } = fakeLake(part);
  const { gateway } = await startGateway({ subgraphs: { ...fakes().subgraphs, lake: subgraph } });
  onTestFinished(() => gateway.stop());
  const url = `${gateway.url}${EXPORT_PATH}`;
  const authorization = `Bearer ${await tokenOf('olga', '1h', ['operator'])}`;
  const get = (query = '', headers: Record<string, string> = {}) =>
    fetch(`${url}${query}`, { headers: { authorization, 'accept-encoding': 'identity', ...headers } });
  /** An answer whose body is read only when the test does. */
  async function open(): Promise<IncomingMessage> {
    const client = request(url, { headers: { authorization }, agent: false }).end();
    const [response] = await once(client, 'response');
    return response;
  }
  return { gateway, url, asked, get, open, authorization };
}

async function codeOf(answer: IncomingMessage): Promise<unknown> {
  const { errors } = (await json(answer)) as { errors: { extensions: { code: string } }[] };
  return errors[0]?.extensions.code;
}

/** Waits until nothing moves any more: at several looks, as there may be no time for anything between two of them. */
async function settled(look: () => number): Promise<number> {
  let before = -1;
  for (let alike = 0; alike < 6; await delay(50)) {
    alike = look() === before ? alike + 1 : 0;
    before = look();
  }
  return before;
}

describe('an export', () => {
  test('is all parts in a row, up to where the lake was when it began', async () => {
    const { get, asked } = await started(partOf(1_234));
    const response = await get('?after=3');
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'application/x-ndjson; charset=utf-8',
    ]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toBe(LINE.repeat(1_231));
    expect(asked.map(({ after, until }) => [after, until])).toEqual([
      [3, null],
      [503, 1_234],
      [1_003, 1_234],
    ]);
  });

  test('of nothing is empty', async () => {
    const { get } = await started(() => ({ text: '', position: 0, until: 0 }));
    const response = await get();
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('goes on over a part in which nothing was found', async () => {
    const { get } = await started(({ after }) => ({ text: after === 9 ? LINE : '', position: after + 1, until: 10 }));
    expect(await (await get()).text()).toBe(LINE);
  });

  test('hands its filter to the lake', async () => {
    const { get, asked } = await started(partOf(1));
    await get(
      '?types=deposited,withdrawn&subject=a%26b&source=/account&correlationId=&from=2026-01-31T12:00:00%2B01:00',
    );
    expect(asked[0]?.filter).toEqual({
      types: ['deposited', 'withdrawn'],
      subject: 'a&b',
      source: '/account',
      correlationId: '',
      from: '2026-01-31T11:00:00.000Z',
    });
  });

  test('is compressed for whoever accepts that', async () => {
    const { get } = await started(partOf(2_000));
    const response = await get('', { 'accept-encoding': 'gzip' });
    expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([
      'gzip',
      'accept-encoding',
    ]);
    expect(await response.text()).toBe(LINE.repeat(2_000));
    expect((await get('', { 'accept-encoding': 'br, gzip;q=0' })).headers.get('content-encoding')).toBeNull();
  });

  test('shows what has come of it that it is not whole: no part ends with a line', async () => {
    const gate = new EventEmitter();
    const { open } = await started(async asked => {
      if (asked.after >= 1_000) await once(gate, 'open');
      return partOf(1_500)(asked);
    });
    const response = await open();
    let text = '';
    response.setEncoding('utf8').on('data', chunk => {
      text += chunk;
    });
    await settled(() => text.length);
    expect(text).toBe(LINE.repeat(1_000).trimEnd());
    gate.emit('open');
    await once(response, 'end');
    expect(text).toBe(LINE.repeat(1_500));
  });

  test('waits for a client that does not read, and loses nothing by it', async () => {
    const { open, asked } = await started(partOf(1_000_000));
    const response = await open();
    const parts = await settled(() => asked.length);
    expect(parts * CHARS_A_PART).toBeLessThan(SOCKET_CHARS_MAX);
    let chars = 0;
    for await (const chunk of response) chars += chunk.length;
    expect([chars, asked.length]).toEqual([LINE.length * 1_000_000, 2_000]);
  });

  test('ends when the client hangs up', async () => {
    const { open, asked } = await started(partOf(1_000_000));
    const response = await open();
    await once(response, 'data');
    response.destroy();
    expect((await settled(() => asked.length)) * CHARS_A_PART).toBeLessThan(SOCKET_CHARS_MAX);
  });

  test.each([['identity'], ['gzip']])('that the lake breaks off is broken off for the client (%s)', async encoding => {
    const { get } = await started(asked => {
      if (asked.after > 1_000) throw clientError('UNAVAILABLE', 'The lake is away.');
      return partOf(10_000)(asked);
    });
    const response = await get('', { 'accept-encoding': encoding });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
  });
});

describe('an export is refused', () => {
  test.each([
    ['UNAVAILABLE', 503],
    ['TIMEOUT', 503],
    ['FORBIDDEN', 403],
  ] as const)('as the lake refuses it: %s, %i', async (code, status) => {
    const { get } = await started(() => {
      throw clientError(code, 'No.');
    });
    const response = await get();
    expect([response.status, await response.json()]).toEqual([
      status,
      { errors: [expect.objectContaining({ message: 'No.', extensions: { code } })] },
    ]);
  });

  test('without a word of what went wrong within', async () => {
    const { get } = await started(() => {
      throw new Error('secret host 10.0.0.1');
    });
    const response = await get();
    const text = await response.text();
    expect([response.status, JSON.parse(text).errors[0].extensions.code]).toEqual([500, 'INTERNAL_SERVER_ERROR']);
    expect(text).not.toContain('secret');
  });

  test.each([
    ['nobody', '', 401, 'UNAUTHENTICATED'],
    ['an owner', 'alice', 403, 'FORBIDDEN'],
  ])('to %s', async (_, owner, status, code) => {
    const { url, asked } = await started(partOf(1));
    const headers = owner ? { authorization: `Bearer ${await tokenOf(owner)}` } : undefined;
    const client = request(url, { headers, agent: false }).end();
    const [response] = await once(client, 'response');
    expect([response.statusCode, await codeOf(response)]).toEqual([status, code]);
    expect(asked).toEqual([]);
  });

  test('over HTTP/1.0, and by another method', async () => {
    const { gateway, get, authorization, url } = await started(partOf(1));
    for (const method of ['POST', 'HEAD', 'DELETE']) {
      const response = await fetch(url, { method, headers: { authorization } });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
    }
    const socket = connect(gateway.port, '127.0.0.1');
    socket.end(`GET ${EXPORT_PATH} HTTP/1.0\r\nAuthorization: ${authorization}\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toContain('400 Bad Request');
    expect((await get()).status).toBe(200);
  });

  test('when four run; one that ends makes room', async () => {
    const { open } = await started(partOf(1_000_000));
    const running = await Promise.all(Array.from({ length: 4 }, open));
    const refused = await open();
    expect([refused.statusCode, await codeOf(refused)]).toEqual([429, 'TOO_MANY_REQUESTS']);
    for (const one of running) one.destroy();
    for (let status = 429; status === 429; await delay(20)) {
      const again = await open();
      status = again.statusCode ?? 0;
      again.destroy();
    }
  });
});

test('a client that takes nothing for long is cut off', async () => {
  const { subgraph, asked } = fakeLake(partOf(1_000_000));
  const { log } = recordingLog();
  const answer = lakeExport({ lake: () => dataSource(() => subgraph, identities), log, stalledMs: 300 });
  const context = { identity: { ownerId: 'olga', operator: true } };
  let ended = false;
  const app = express().get('/', async (asking, response) => {
    await answer(asking, response, context);
    ended = true;
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const client = request({ port: (server.address() as AddressInfo).port, agent: false }).end();
  const [response] = await once(client, 'response');
  response.on('error', () => undefined);
  await until(() => ended);
  expect(asked.length * CHARS_A_PART).toBeLessThan(SOCKET_CHARS_MAX);
});

describe('a parameter', () => {
  test.each([
    [{}, { after: 0 }],
    [
      { after: '7', to: '2026-01-31T12:00:00Z' },
      { after: 7, to: '2026-01-31T12:00:00.000Z' },
    ],
    [{ types: 'deposited' }, { after: 0, types: ['deposited'] }],
    [{ subject: '' }, { after: 0, subject: '' }],
  ])('is read: %j', (query, expected) => {
    expect(parseExport(query)).toEqual(expected);
  });

  test.each([
    [{ constructor: '3' }, 'There is no parameter "constructor", only types'],
    [{ limit: '3' }, 'There is no parameter "limit", only types, subject, source, correlationId, from, to, after.'],
    [{ types: '' }, 'types: must be names of event types, with commas between them'],
    [{ types: 'deposited,' }, 'types: must be names of event types, with commas between them'],
    [{ types: `${'a,'.repeat(150)}a` }, 'types: must be 100 types or less'],
    [{ types: ['a', 'b'] }, 'types: must be given once, as text'],
    [{ subject: { $ne: '' } }, 'subject: must be given once, as text'],
    [{ subject: 'x'.repeat(401) }, 'subject: must have 400 characters or less'],
    [{ from: 'yesterday' }, 'from: expected an RFC 3339 date-time such as 2026-01-31T12:00:00Z, got "yesterday"'],
    [{ to: '2026-02-30T00:00:00Z' }, /^to: expected an RFC 3339/],
    [{ after: '-1' }, 'after: must be a position: 0, 1, 2, ...'],
    [{ after: '1.5' }, 'after: must be a position: 0, 1, 2, ...'],
    [{ after: '9999999999' }, 'after: must be 2147483647 or less'],
    [{ after: '' }, 'after: must be a position: 0, 1, 2, ...'],
  ])('is refused: %j', (query, message) => {
    expect(() => parseExport(query)).toThrow(message);
  });
});
