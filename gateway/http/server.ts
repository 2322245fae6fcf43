import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
  type Router,
} from 'express';
import { GraphQLError } from 'graphql';
import helmet from 'helmet';
import type { Registry } from 'prom-client';
import { type Span, type Tracer, untraced } from '../../events/tracing.ts';
import { asGraphQLError, clientError } from '../../schema/errors.ts';
import type { Identity } from '../../schema/identity.ts';
import { consoleRoutes, missingPage } from '../console/index.ts';
import type { SignIn } from '../console/session.ts';
import type { OperationReader } from '../documents/operations.ts';
import { type FormatError, formatAll, httpRefusal, tooManyRequests } from '../errors.ts';
import { bearer, type TokenVerifier } from '../identity.ts';
import { type Allow, WINDOW_SECONDS } from '../limits.ts';
import { playgroundRoutes } from '../playground/index.ts';
import { type RecordRequest, recordVisit, type Visit } from '../requests.ts';
import type { GatewayContext } from '../services/datasource.ts';
import { beginOperation } from '../tracing.ts';
import { type AnswerExport, EXPORT_PATH, statusOfRefusal } from './export.ts';
import { BODY, BODY_BYTES_MAX, badRequest, NO_REQUEST, SUBSCRIPTIONS_ELSEWHERE } from './lane.ts';

export type AppOptions = {
  /** Answers what is not refused before. */
  answer: RequestHandler;
  tokens: TokenVerifier;
  allow: Allow;
  read: OperationReader;
  formatError: FormatError;
  record: RecordRequest;
  tracer?: Tracer | undefined;
  exportLake: AnswerExport;
  registry: Registry;
  health: Router;
  /** Whom the console may sign in by name; nobody when absent. */
  signIn?: SignIn | undefined;
  /** Routes of whoever composes the process. */
  pages?: Router | undefined;
};

export const GRAPHQL_PATH = '/graphql';

/** What the handlers of one request tell each other. */
type Locals = { identity?: Identity; visit: Visit; span?: Span };

type Handler = RequestHandler<Record<string, string>, unknown, unknown, Record<string, unknown>, Locals>;

/** Sets the headers that every answer has; pages that want more have to say so. */
const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
});

/** The same for whoever answers without Express: names and values in turn. */
export function securityHeaders(): string[] {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  secure(request, response, () => undefined);
  return Object.entries(response.getHeaders()).flatMap(([name, value]) => [name, String(value)]);
}

/** The routes of the gateway. Whatever goes wrong on them is answered in JSON, in GraphQL's shape; a browser that is nowhere gets a page. */
export function gatewayApp(options: AppOptions): Express {
  const { answer, registry, health, signIn, pages, formatError } = options;
  const app = express();
  app.set('etag', false);
  app.use(secure);
  app.use(health);
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  app.all(
    GRAPHQL_PATH,
    recorded(options),
    authenticated(options),
    limited(options),
    only('POST', 'GraphQL requests are HTTP POST.'),
    express.json({ limit: BODY_BYTES_MAX }),
    readable(options),
    answer,
  );
  app.all(
    EXPORT_PATH,
    recorded(options),
    authenticated(options),
    limited(options),
    only('GET', 'An export is asked for by HTTP GET.'),
    exported(options),
  );
  app.use(consoleRoutes(signIn));
  app.use(playgroundRoutes());
  if (pages) app.use(pages);
  app.use(missingPage());
  app.use((_request, response) => {
    fail(response, 404, [clientError('NOT_FOUND', 'There is nothing here.')], formatError);
  });
  app.use(lastResort(formatError));
  return app;
}

const recorded =
  ({ record }: AppOptions): Handler =>
  (request, response, next) => {
    const visit = recordVisit(record, request, response);
    response.locals.visit = visit;
    response.setHeader('x-correlation-id', visit.correlationId);
    response.setHeader('cache-control', 'no-store');
    next();
  };

const authenticated =
  ({ tokens, formatError }: AppOptions): Handler =>
  async (request, response, next) => {
    try {
      const { identity } = await tokens(bearer(request.get('authorization')));
      response.locals.identity = identity;
      response.locals.visit.ownerId = identity.ownerId;
    } catch (error) {
      if (!(error instanceof GraphQLError)) return next(error);
      const out = error.extensions.code === 'UNAVAILABLE';
      if (!out) response.setHeader('www-authenticate', 'Bearer');
      return fail(response, out ? 503 : 401, [error], formatError);
    }
    next();
  };

const limited =
  ({ allow, formatError }: AppOptions): Handler =>
  (_request, response, next) => {
    if (allow(response.locals.identity?.ownerId ?? '')) return next();
    response.setHeader('retry-after', String(WINDOW_SECONDS));
    fail(response, 429, [tooManyRequests()], formatError);
  };

const only =
  (method: string, message: string): RequestHandler =>
  (request, response, next) => {
    if (request.method === method) return next();
    response.setHeader('allow', method);
    next(new Refused(405, message));
  };

/** Hands on what our own rules have let through and nothing else; and lets the log know what was asked for. */
const readable =
  ({ read, formatError, tracer = untraced }: AppOptions): Handler =>
  (request, response, next) => {
    const body = BODY.safeParse(request.body).data;
    if (!body) return next(new Refused(400, NO_REQUEST));
    const operation = read(body);
    if (!('definition' in operation)) return fail(response, 400, operation, formatError);
    const { text, definition } = operation;
    response.locals.visit.kind = definition.operation;
    response.locals.visit.operationName = definition.name?.value;
    const { operationName = null, variables = null } = body;
    request.body = { query: text, operationName, variables };
    if (definition.operation === 'subscription') return next(new Refused(400, SUBSCRIPTIONS_ELSEWHERE));
    const { visit } = response.locals;
    const span = beginOperation(tracer, { ...visit, transport: 'http', headers: request.headers });
    response.locals.span = span;
    response.once('close', () => span.end());
    next();
  };

const exported =
  ({ exportLake, formatError }: AppOptions): Handler =>
  async (request, response) => {
    try {
      await exportLake(request, response, contextOf(response));
    } catch (error) {
      fail(response, statusOfRefusal(error), [asGraphQLError(error)], formatError);
    }
  };

/** Who asks, as the handlers of the request have found out. */
export function contextOf({ locals }: Response<unknown, Partial<Locals>>): GatewayContext {
  const { identity, visit, span } = locals;
  if (!identity) throw new Error('an operation that was not authenticated');
  return { identity, trace: span?.place, correlationId: visit?.correlationId };
}

/** A request that is wrong as HTTP. */
class Refused extends Error {
  readonly status: number;
  readonly expose = true;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

// Express knows an error handler by its four parameters.
const lastResort =
  (formatError: FormatError): ErrorRequestHandler =>
  (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    const refused = httpRefusal(error);
    // What a parser says of broken JSON repeats it.
    const message = refused?.status === 400 && error instanceof SyntaxError ? NO_REQUEST : refused?.message;
    if (refused && message) return fail(response, refused.status, [badRequest(message)], formatError);
    fail(response, 500, [asGraphQLError(error)], formatError);
  };

function fail(response: Response, status: number, errors: readonly GraphQLError[], formatError: FormatError): void {
  response.status(status).json({ errors: formatAll(formatError, errors) });
}
