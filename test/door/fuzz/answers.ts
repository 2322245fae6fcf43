/** What a client gets for a request, and what must not be in it. */
import { isDeepStrictEqual } from 'node:util';
import { type DocumentNode, type ExecutionResult, executeSync, type GraphQLSchema, parse, validate } from 'graphql';
import { z } from 'zod';
import { type Body, type Request, textOf } from './requests.ts';

export type Answer =
  | { over: 'http'; status: number; contentType: string | null; text: string }
  /** `results`: none when a subscription was silent for a while. */
  | { over: 'socket'; results: readonly unknown[]; closed?: string }
  | { over: 'nothing'; reason: string };

/** What a client can be told of its own operation, when everything works. */
const CODES: readonly string[] = [
  ...['FORBIDDEN', 'BAD_USER_INPUT', 'INSUFFICIENT_FUNDS', 'IDEMPOTENCY_KEY_REUSED', 'NOT_FOUND', 'TIMEOUT'],
  ...['BAD_REQUEST', 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'OPERATION_RESOLUTION_FAILURE'],
  'PERSISTED_QUERY_NOT_SUPPORTED',
];

const ERROR = z.strictObject({
  message: z.string().min(1),
  locations: z.array(z.strictObject({ line: z.int().positive(), column: z.int().positive() })).optional(),
  path: z.array(z.union([z.string(), z.int()])).optional(),
  extensions: z.strictObject({ code: z.string(), errorId: z.string().optional() }),
});

const RESULT = z
  .strictObject({
    data: z.record(z.string(), z.unknown()).nullish(),
    errors: z.array(ERROR).min(1).optional(),
    extensions: z.strictObject({ resumed: z.boolean().optional(), skipped: z.int().optional() }).optional(),
  })
  .refine(({ data, errors }) => data || errors, 'neither data nor errors');

export type Result = z.infer<typeof RESULT>;

/** Of where it runs, of what it is made of, of what went wrong in it. No input of `values.ts` has any of it. */
const LEAK = new RegExp(
  [
    ...[/^\s+at /, /node_modules|file:\/\/|\.[cm]?[jt]s:\d/, /\d+\.\d+\.\d+\.\d+|localhost/, /[Mm]ongo|[Rr]edis|BSON/],
    ...[/E\d{5}|ECONN|EPIPE|ENOENT/, /Cannot read|is not (a function|iterable)|\[object /, /[Ss]ubgraph/],
  ]
    .map(({ source }) => source)
    .join('|'),
  'm',
);

/** Everything that is wrong with an answer. */
export type Judge = (request: Request, answer: Answer) => string[];

export function judge(schema: GraphQLSchema): Judge {
  return (request, answer) => {
    if (answer.over === 'nothing') return [`no answer: ${answer.reason}`];
    const wrong: string[] = [];
    const results = answer.over === 'http' ? [resultOver(answer, wrong)] : answer.results;
    if (answer.over === 'socket' && answer.closed) wrong.push(`the socket was closed: ${answer.closed}`);
    for (const given of results) {
      if (given === undefined) continue;
      const { data: result, error } = RESULT.safeParse(given);
      if (!result) wrong.push(`not a result: ${z.prettifyError(error)}\n${JSON.stringify(given)}`);
      else wrong.push(...badErrors(result), ...mistakes(schema, request, result));
    }
    return wrong;
  };
}

function resultOver({ status, contentType, text }: Answer & { over: 'http' }, wrong: string[]): unknown {
  if (status >= 500 || status < 200) wrong.push(`HTTP ${status}: ${text}`);
  if (!/^application\/(graphql-response\+)?json(;|$)/.test(contentType ?? ''))
    wrong.push(`content-type: ${contentType}`);
  try {
    return JSON.parse(text);
  } catch {
    wrong.push(`not JSON: ${text}`);
    return undefined;
  }
}

const badErrors = ({ errors = [] }: Result): string[] =>
  errors.flatMap(({ message, extensions: { code } }) => {
    if (!CODES.includes(code)) return [`${code}: ${message}`];
    return LEAK.test(message) ? [`a message that tells too much: ${message}`] : [];
  });

/** Whether it was refused as it had to be, or answers what was asked for. */
function mistakes(schema: GraphQLSchema, request: Request, { data, errors = [] }: Result): string[] {
  const { query, variables, operationName } = bodyOf(request);
  if (typeof query !== 'string') return data ? ['an answer without a question'] : [];
  const document = validDocument(schema, query);
  const refused = errors.some(({ extensions: { code } }) => /^GRAPHQL_(PARSE|VALIDATION)_FAILED$/.test(code));
  if (!document) return data ? ['a document that is not valid was answered'] : [];
  if (refused && !errors.some(({ message }) => BOUNDS.test(message)))
    return ['a valid document was refused as invalid'];
  if (!data) return [];
  const expected = reread(schema, document, data, variables, operationName);
  if (expected.errors) return expected.errors.map(({ message }) => `data that the schema does not allow: ${message}`);
  return isDeepStrictEqual(plain(expected.data), data) ? [] : [`not what was selected: ${JSON.stringify(data)}`];
}

/** As the gateway reads it. A list is a batch, which there is not. */
function bodyOf(request: Request): Body {
  const body: unknown = JSON.parse(textOf(request));
  return body !== null && typeof body === 'object' && !Array.isArray(body) ? body : {};
}

/** What the gateway bounds beyond the specification, and what its planner does not know of it. */
const BOUNDS = /more than [\d,]+ |would cost|too large|"__\w+"|"__\w+\.\w+"/;

function validDocument(schema: GraphQLSchema, query: string): DocumentNode | undefined {
  try {
    const document = parse(query);
    return validate(schema, document).length === 0 ? document : undefined;
  } catch {
    return undefined;
  }
}

/** The answer executed as if it were the data: what comes out is what was selected, of the types that it may have. */
function reread(
  schema: GraphQLSchema,
  document: DocumentNode,
  data: Record<string, unknown>,
  variables: unknown,
  operationName: unknown,
): ExecutionResult {
  return executeSync({
    schema,
    document,
    rootValue: data,
    variableValues: (typeof variables === 'object' ? variables : null) as Record<string, unknown> | null,
    operationName: typeof operationName === 'string' ? operationName : null,
    fieldResolver: (source: Record<string, unknown>, _args, _context, { path }) => source[path.key],
  });
}

// graphql-js makes objects without a prototype.
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
