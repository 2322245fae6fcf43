/**
 * The real system for the tests of the door: in production mode, with small limits. Everything that comes out of it, over
 * HTTP, over sockets and into its logs, is kept, so that the last test can look through all of it.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { startServers } from '../../embedded/index.ts';
import { freePort } from '../../embedded/port.ts';
import { signToken } from '../../gateway/identity.ts';
import { IDENTITY_HEADER, type Identity, identityCodec } from '../../schema/identity.ts';
import { serviceNames } from '../../subgraphs/catalog.ts';
import { AUTH_SECRET, launch, stopAll, temporaryFolder } from '../system.ts';

export const LIMITS = { connections: 3, subscriptions: 4, requests: 250 };

export type Answer = {
  status: number;
  headers: Headers;
  text: string;
  data: unknown;
  /** `extensions.code` of each error. */
  codes: string[];
  messages: string[];
};
export type Message = { type: string; id?: string; payload?: unknown };
export type Ask = { query?: unknown; variables?: unknown; [other: string]: unknown };

/** A socket on which a test speaks the protocol itself. */
export type RawSocket = {
  messages: Message[];
  /** The code that it was closed with. */
  closed: Promise<number>;
  send(message: unknown): void;
  /** The first message for an id, of those not taken yet. */
  next(id: string): Promise<Message>;
  end(): void;
};

export type Client = {
  sub: string;
  token: string;
  /** POSTs a GraphQL request. */
  ask(query: string, variables?: unknown): Promise<Answer>;
  post(body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Asks over a socket of its own; the first answer, as over HTTP. */
  subscribe(payload: Ask): Promise<Omit<Answer, 'status' | 'headers'>>;
  /** A socket that was acknowledged. */
  socket(): Promise<RawSocket>;
};

export type Door = Awaited<ReturnType<typeof openDoor>>;

/** Starts servers, the whole system, one of its services alone, and a gateway that knows persisted documents only. */
export async function openDoor(persistedFile: (folder: string) => string) {
  const folder = temporaryFolder();
  const servers = await startServers({
    dataDir: folder.path,
    mongodbUrl: process.env.MONGODB_URL && new URL(`/test-door-${process.pid}`, process.env.MONGODB_URL).href,
    redisUrl: process.env.REDIS_URL,
    log: pino({ level: 'silent' }),
  });
  const ports = {
    system: await freePort(),
    account: await freePort(),
    nobody: await freePort(),
    gateway: await freePort(),
  };
  const url = `http://127.0.0.1:${ports.system}`;
  const accountUrl = `http://127.0.0.1:${ports.account}/graphql`;
  const production = { NODE_ENV: 'production', LOG_LEVEL: 'debug' };
  const stores = {
    MONGODB_URL: servers.mongodbUrl,
    REDIS_URL: servers.redisUrl,
    DATA_DIR: join(folder.path, 'system'),
  };
  const subgraphs = Object.fromEntries(
    serviceNames().map(name => [
      `${name.toUpperCase()}_URL`,
      name === 'account' ? accountUrl : `http://127.0.0.1:${ports.nobody}/graphql`,
    ]),
  );
  const limits = {
    LIMIT_CONNECTIONS: String(LIMITS.connections),
    LIMIT_SUBSCRIPTIONS: String(LIMITS.subscriptions),
    LIMIT_REQUESTS: String(LIMITS.requests),
  };
  const [system, account, gateway] = await Promise.all([
    launch('start.ts', [], { ...production, ...stores, ...limits, PORT: String(ports.system) }, /Stop it/),
    launch('service.ts', ['account'], { ...production, ...stores, PORT: String(ports.account) }, /is ready/),
    launch(
      'service.ts',
      ['gateway'],
      { ...production, ...subgraphs, PORT: String(ports.gateway), PERSISTED_DOCUMENTS: persistedFile(folder.path) },
      /is ready/,
    ),
  ]);

  const seen = { tokens: new Set<string>(), responses: [] as string[] };
  let strangers = 0;

  function remember(token: string): string {
    seen.tokens.add(token);
    return token;
  }

  async function post(url: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    seen.responses.push(text, JSON.stringify([...response.headers]));
    return { status: response.status, headers: response.headers, ...read(text) };
  }

  /** Asks for a page; what is no JSON is kept as text only. */
  async function get(url: string, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(20_000) });
    const text = await response.text();
    seen.responses.push(text, JSON.stringify([...response.headers]));
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, headers: response.headers, ...read(isJson ? text : '{}'), text };
  }

  async function open(
    url: string,
    options: { params?: unknown; headers?: Record<string, string>; say?: boolean } = {},
  ) {
    const { params, headers = {}, say = true } = options;
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    const messages: Message[] = [];
    socket.on('message', data => {
      seen.responses.push(String(data));
      messages.push(JSON.parse(String(data)));
    });
    const closed = once(socket, 'close').then(([code, reason]) => {
      seen.responses.push(String(reason));
      return Number(code);
    });
    await once(socket, 'open');
    const send = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    if (say) send({ type: 'connection_init', ...(params !== undefined && { payload: params }) });
    const raw: RawSocket = {
      messages,
      closed,
      send,
      end: () => socket.close(),
      async next(id) {
        for (const endMs = Date.now() + 10_000; Date.now() < endMs; await delay(2)) {
          const index = messages.findIndex(message => message.id === id && message.type !== 'complete');
          if (index >= 0) return messages.splice(index, 1)[0] as Message;
        }
        throw new Error(`no message for ${id}: ${JSON.stringify(messages)}`);
      },
    };
    return raw;
  }

  /** A client of the system: with an identity that nobody else has, unless it is named. */
  async function client(options: { sub?: string; roles?: string[]; url?: string } = {}): Promise<Client> {
    const { sub = `stranger-${++strangers}`, roles = [], url: at = url } = options;
    const token = remember(await signToken(AUTH_SECRET, { sub, roles, expiresIn: '1h' }));
    const authorization = `Bearer ${token}`;
    const postAs = (body: unknown, headers: Record<string, string> = {}) =>
      post(at, body, { authorization, ...headers });
    async function socket(): Promise<RawSocket> {
      const opened = await open(at, { params: { authorization } });
      while (opened.messages.shift()?.type !== 'connection_ack') await delay(2);
      return opened;
    }
    return {
      sub,
      token,
      socket,
      post: postAs,
      ask: (query, variables) => postAs({ query, ...(variables !== undefined && { variables }) }),
      async subscribe(payload) {
        const opened = await socket();
        opened.send({ type: 'subscribe', id: 'it', payload });
        const answer = await opened.next('it');
        opened.end();
        await opened.closed;
        return read(JSON.stringify(answer.type === 'error' ? { errors: answer.payload } : answer.payload));
      },
    };
  }

  return {
    url,
    ports,
    servers,
    seen,
    logs: () => [system, account, gateway].map(({ output }) => output()),
    client,
    open,
    get,
    post,
    remember,
    /** The header that the gateway itself would send to a service. */
    async identity(identity: Identity): Promise<Record<string, string>> {
      return { [IDENTITY_HEADER]: remember(await identityCodec(AUTH_SECRET).sign(identity)) };
    },
    subgraph: { url: `http://127.0.0.1:${ports.account}` },
    persistedOnly: { url: `http://127.0.0.1:${ports.gateway}` },
    /** A token that is good, but for what the case changes. */
    async tokenWith(change: (jwt: SignJWT) => SignJWT, alg = 'HS256', secret = AUTH_SECRET): Promise<string> {
      const jwt = new SignJWT({ roles: ['operator'] })
        .setProtectedHeader({ alg })
        .setSubject('mallory')
        .setIssuer('tributary')
        .setAudience('tributary')
        .setExpirationTime('1h');
      return remember(await change(jwt).sign(new TextEncoder().encode(secret)));
    },
    async close() {
      await stopAll();
      await servers.stop();
      folder.remove();
    },
  };
}

/** What an answer says, whatever it came over. */
function read(text: string): Omit<Answer, 'status' | 'headers'> {
  const { data, errors = [] } = JSON.parse(text) as {
    data?: unknown;
    errors?: { message: string; extensions: { code: string } }[];
  };
  return {
    text,
    data,
    codes: errors.map(({ extensions }) => extensions.code),
    messages: errors.map(({ message }) => message),
  };
}
