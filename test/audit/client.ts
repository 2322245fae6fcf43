/** Asks a running system as an operator who only looks: reads may be sent again, so a lost answer costs nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { signToken } from '../../gateway/identity.ts';
import type { Answer } from '../../scripts/demo/books.ts';
import { answerOf, OutOfReach } from '../../scripts/demo/client.ts';

/** An answer that is an error: asking again would not help. */
export class Refused extends Error {
  override name = 'Refused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const outbox = z.object({ pending: z.number(), oldestSeconds: z.number() });
const health = z.object({ parts: z.record(z.string(), z.object({ state: z.string(), outbox: outbox.optional() })) });

/** The parts of the system as `/health/ready` names them; an older gateway in a process of its own shows no outboxes. */
export type Parts = z.infer<typeof health>['parts'];

export type EvidenceClient = {
  /**
   * Sends a query that must succeed, again for up to `patienceMs` while the system is out of reach.
   *
   * @throws OutOfReach when it stays so; Refused when the answer is another error.
   */
  get<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  /** The same, sent once: for what is work for the system. */
  once<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  /** How the parts are, well or not. @throws OutOfReach when nothing of the kind is answered. */
  parts(): Promise<Parts>;
};

export type ClientOptions = {
  /** Such as `http://127.0.0.1:4000`. */
  url: string;
  /** An operator's. */
  token: string;
  /** Longer than the gateway's minute of counted requests by default, so that its limit only slows an audit down. */
  patienceMs?: number;
};

const PATIENCE_MS = 90_000;
/** Longer than the gateway's own limit for a fetch. */
const ANSWER_TIMEOUT_MS = 40_000;
const RETRY_FIRST_MS = 50;
const RETRY_MOST_MS = 2_000;
const AGAIN_CODES = new Set(['OUT_OF_REACH', 'UNAVAILABLE', 'TIMEOUT']);

export function evidenceClient({ url, token, patienceMs = PATIENCE_MS }: ClientOptions): EvidenceClient {
  async function send<Data>(body: string): Promise<Answer<Data>> {
    try {
      const response = await fetch(new URL('/graphql', url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body,
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      return answerOf<Data>(response.status, await response.text());
    } catch (error) {
      return { code: 'OUT_OF_REACH', message: reasonOf(error) };
    }
  }

  async function ask<Data>(query: string, variables: Record<string, unknown> | undefined, withinMs: number) {
    const deadlineMs = performance.now() + withinMs;
    const body = JSON.stringify({ query, variables });
    for (let retryMs = RETRY_FIRST_MS; ; retryMs = Math.min(2 * retryMs, RETRY_MOST_MS)) {
      const answer = await send<Data>(body);
      if ('data' in answer) return answer.data;
      if (!AGAIN_CODES.has(answer.code)) throw new Refused(answer.code, answer.message);
      if (performance.now() >= deadlineMs) {
        // The gateway may well be there, and answer that something behind it is not.
        const what = answer.code === 'OUT_OF_REACH' ? 'is out of reach' : `answers ${answer.code}`;
        throw new OutOfReach(`${url} ${what}: ${answer.message}`);
      }
      await delay(retryMs);
    }
  }

  return {
    get: (query, variables) => ask(query, variables, patienceMs),
    once: (query, variables) => ask(query, variables, 0),
    async parts() {
      try {
        const response = await fetch(new URL('/health/ready', url), { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
        return health.parse(await response.json()).parts;
      } catch (error) {
        throw new OutOfReach(`${url} does not say how it is: ${reasonOf(error)}`);
      }
    },
  };
}

/** A client with a token of its own, for whoever has the system's secret. */
export async function operatorClient(url: string, secret: string): Promise<EvidenceClient> {
  return evidenceClient({
    url,
    token: await signToken(secret, { sub: 'auditor', roles: ['operator'], expiresIn: '12h' }),
  });
}

/** What fetch says of a failure is in its cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as Error;
  const { message, code } = (cause ?? error) as NodeJS.ErrnoException;
  return message || code || String(error);
}
