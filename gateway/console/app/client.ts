/** Queries and mutations, over HTTP. */
import { Failure, NETWORK } from './failure.ts';
import { REFUSED, session, signOut } from './session.ts';

/** A GraphQL document with what it answers and what it takes; see `gql`. */
export type Document<Data, Variables> = {
  readonly text: string;
  /** Never there: it carries the types. */
  readonly types?: { data: Data; variables: Variables };
};

/** The type of what a document answers. */
export type DataOf<Some> = Some extends Document<infer Data, unknown> ? Data : never;

/** The type of what it takes. */
export type VariablesOf<Some> = Some extends Document<unknown, infer Variables> ? Variables : never;

/**
 * A document, exported by the module that uses it. The types are written beside it by hand; a test holds the text to the schema and
 * the types to what the schema says it answers.
 */
export const gql = <Data, Variables = Record<string, never>>(text: string): Document<Data, Variables> => ({ text });

/** Somewhat more than the gateway takes for anything. */
const TIMEOUT_MS = 20_000;

type Answer = { data?: unknown; errors?: { message: string; extensions?: { code?: string } }[] };

/**
 * Sends one operation, once.
 *
 * @throws Failure for whatever is not the whole answer; a token that is refused also ends the session.
 */
export async function ask<Data, Variables>(
  document: Document<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  const { status, body } = await post({ query: document.text, variables }, signal);
  if (status === 401) {
    signOut(REFUSED);
    throw new Failure('UNAUTHENTICATED', REFUSED);
  }
  const [error] = body?.errors ?? [];
  if (error) throw new Failure(error.extensions?.code ?? 'UNKNOWN', error.message);
  if (!body?.data) throw new Failure(status >= 500 ? NETWORK : 'UNKNOWN', `The gateway answered with HTTP ${status}.`);
  // What a document answers is held to its type by a test, and the gateway answers by its schema.
  return body.data as Data;
}

async function post(content: object, signal?: AbortSignal): Promise<{ status: number; body: Answer | undefined }> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${session.value?.token ?? ''}` },
      body: JSON.stringify(content),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const body: Answer | undefined = await response.json().catch(() => undefined);
    return { status: response.status, body };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(NETWORK, 'The gateway does not answer.');
  }
}
