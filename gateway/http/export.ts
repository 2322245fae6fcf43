/**
 * The export of the lake: newline-delimited JSON over HTTP, a part after the other as fast as the client reads, so that
 * neither end holds more than a few parts however large the lake is. An answer that ends before it is whole breaks off: the
 * last chunk of HTTP's chunked coding is missing, which every client reports, and so is the last line feed.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Request, Response } from 'express';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { z } from 'zod';
import { assertOperator, clientError } from '../../schema/errors.ts';
import { parseInput } from '../../schema/input.ts';
import { DateTime } from '../../schema/scalars.ts';
import { counter } from '../limits.ts';
import type { DataSource, GatewayContext } from '../services/datasource.ts';

export const EXPORT_PATH = '/lake/events.ndjson';

/** The subgraph that has the lake. */
export const LAKE = 'lake';

export type ExportOptions = {
  /** The lake as it is now; undefined when the supergraph has none. */
  lake(): DataSource | undefined;
  log: Logger;
  /** A client that takes nothing for so long is cut off. Default 5 min. */
  stalledMs?: number;
};

/** What is looked at of a request. */
type Asked = Pick<Request, 'acceptsEncodings' | 'httpVersion'> & { query: Record<string, unknown> };

/** Answers a request; rejects with what is wrong with it, or with the lake, as long as nothing has been answered. */
export type AnswerExport = (request: Asked, response: Response, context: GatewayContext) => Promise<void>;

const STALLED_MS = 300_000;
/** Exports at one time, whoever asks. */
const EXPORTS_MAX = 4;
const TYPES_MAX = 100;
const CHARS_MAX = 400;
const POSITION_MAX = 2 ** 31 - 1;

const LINE_FEED = '\n';

const PART = `query ($filter: EventFilter, $after: Int!, $until: Int) {
  eventLines(filter: $filter, after: $after, until: $until) { text position until }
}`;

const answered = z.object({
  eventLines: z.object({ text: z.string(), position: z.number(), until: z.number() }),
});
type Part = z.infer<typeof answered>['eventLines'];
type ReadPart = (after: number, until: number | null) => Promise<Part>;

const once = 'must be given once, as text';
const text = z.string(once).max(CHARS_MAX, `must have ${CHARS_MAX} characters or less`);
const time = z.string(once).transform((value, context) => {
  try {
    return DateTime.parseValue(value);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : 'is no time');
    return z.NEVER;
  }
});
const parameters = z.object({
  types: text
    .transform(value => value.split(','))
    .refine(names => names.every(Boolean), 'must be names of event types, with commas between them')
    .refine(names => names.length <= TYPES_MAX, `must be ${TYPES_MAX} types or less`)
    .optional(),
  subject: text.optional(),
  source: text.optional(),
  correlationId: text.optional(),
  from: time.optional(),
  to: time.optional(),
  after: z
    .string(once)
    .regex(/^\d{1,10}$/, 'must be a position: 0, 1, 2, ...')
    .transform(Number)
    .refine(position => position <= POSITION_MAX, `must be ${POSITION_MAX} or less`)
    .default(0),
});

/** What the parameters of an export ask for. @throws BAD_USER_INPUT that names what is wrong. */
export function parseExport(query: Record<string, unknown>): z.infer<typeof parameters> {
  const unknown = Object.keys(query).find(name => !Object.hasOwn(parameters.shape, name));
  if (unknown !== undefined) {
    const known = Object.keys(parameters.shape).join(', ');
    throw clientError('BAD_USER_INPUT', `There is no parameter "${unknown.slice(0, 100)}", only ${known}.`);
  }
  return parseInput(parameters, query);
}

/**
 * Streams what a filter selects of the lake, oldest first, up to the lake's size at the request: `application/x-ndjson`, each
 * line a CloudEvent in JSON with the extension attributes `lakeposition` (1, 2, 3, ...) and `lakehash` (64 hexadecimal
 * digits); compressed when the client accepts gzip. For operators.
 */
export function lakeExport({ lake, log, stalledMs = STALLED_MS }: ExportOptions): AnswerExport {
  const running = counter(EXPORTS_MAX);

  return async (request, response, context) => {
    assertOperator(context.identity);
    const { after, ...filter } = parseExport(request.query);
    // Its answers end with the connection, whole or not.
    if (request.httpVersion === '1.0') {
      throw clientError(
        'BAD_USER_INPUT',
        'An export needs HTTP/1.1: over HTTP/1.0 nobody could tell whether it is whole.',
      );
    }
    const read = reader(lake(), filter, context);
    if (!running.take(LAKE)) {
      throw clientError('TOO_MANY_REQUESTS', `Only ${EXPORTS_MAX} exports at one time. Wait for one to end.`);
    }
    try {
      const first = await read(after, null);
      response.status(200).set({
        'content-type': 'application/x-ndjson; charset=utf-8',
        'content-disposition': 'attachment; filename="events.ndjson"',
        vary: 'accept-encoding',
      });
      response.setTimeout(stalledMs, () => response.destroy());
      const zip = request.acceptsEncodings('gzip', 'identity') === 'gzip';
      if (zip) response.set('content-encoding', 'gzip');
      const lines = Readable.from(textOf(first, read));
      await pipeline([lines, ...(zip ? [createGzip()] : []), response]).catch((error: NodeJS.ErrnoException) => {
        // Of a client that left, the log has the request's own line.
        if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
        log.warn({ err: error }, 'an export broke off');
      });
    } finally {
      running.release(LAKE);
    }
  };
}

function reader(lake: DataSource | undefined, filter: object, context: GatewayContext): ReadPart {
  if (!lake) throw clientError('NOT_FOUND', 'There is no lake here.');
  return async (after, until) => {
    const { data, errors } = await lake.fetch(
      { query: PART, variables: { filter, after, until }, operationName: undefined },
      context,
    );
    const [error] = errors ?? [];
    if (error) throw error;
    return answered.parse(data).eventLines;
  };
}

/** Ends every part within a line, and only the last with its line feed: so a file shows too that it is whole. */
async function* textOf(first: Part, read: ReadPart): AsyncGenerator<string> {
  let heldBack = '';
  for (let part = first; ; part = await read(part.position, part.until)) {
    if (part.text) {
      yield heldBack + part.text.slice(0, -LINE_FEED.length);
      heldBack = LINE_FEED;
    }
    if (part.position >= part.until) break;
  }
  if (heldBack) yield heldBack;
}

const STATUSES: Readonly<Record<string, number>> = {
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  TOO_MANY_REQUESTS: 429,
  UNAVAILABLE: 503,
  TIMEOUT: 503,
};

/** The HTTP status of an export that did not begin. */
export const statusOfRefusal = (error: unknown): number =>
  (error instanceof GraphQLError && STATUSES[String(error.extensions.code)]) || 500;
