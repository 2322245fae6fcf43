import { createGraphiQLFetcher, type Fetcher, type FetcherParams, type FetcherReturnType } from '@graphiql/toolkit';
import { type DocumentNode, Kind, parse } from 'graphql';
import { readToken } from '../../console/app/token.ts';
import { errorsOf, isAsyncIterator, logged } from './log.ts';
import { filled, openedIn } from './placeholders.ts';
import { keepOpened, openedBy } from './storage.ts';

const URL_PATH = '/graphql';

/**
 * Sends what GraphiQL is told to, to this gateway alone: with the token of whoever asks, unless the headers' editor has another
 * one; over HTTP, and subscriptions over a socket, as a log. What goes wrong on the way is an answer too, as the gateway's own errors are:
 * GraphiQL would show what is thrown with where in its code it comes from.
 *
 * @param tokenOf is asked with every request.
 */
export function gatewayFetcher(tokenOf: () => string | undefined): Fetcher {
  const socketUrl = new URL(URL_PATH, location.href);
  socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');
  const send = createGraphiQLFetcher({
    url: URL_PATH,
    subscriptionUrl: socketUrl.href,
    enableIncrementalDelivery: false,
  });

  async function answered(params: FetcherParams, documentAST: DocumentNode | undefined, headers: Headers) {
    const owner = ownerOf(headers);
    const variables = await filled(params.variables, query => ask(query, headers), owner && openedBy(owner));
    const asked = asWritten(params, documentAST);
    const answer = await send(
      { ...params, operationName: asked.operationName, variables },
      { headers, documentAST: asked.document },
    );
    const opened = openedIn(answer);
    if (owner && opened) keepOpened(owner, opened);
    return isAsyncIterator(answer) ? logged(answer) : answer;
  }

  return async (params, options) => {
    const headers = withToken(options?.headers, tokenOf());
    const answer = await answered(params, options?.documentAST, headers).catch(error => ({ errors: errorsOf(error) }));
    // Its types want an observable of answers; what it does is to show as JSON whatever comes, to one observer.
    return answer as unknown as FetcherReturnType;
  };
}

/**
 * What GraphiQL knows of a document follows what is in the editor by some tenths of a second: just after another tab was opened it
 * is still of the one before.
 */
function asWritten({ query, operationName }: FetcherParams, known?: DocumentNode) {
  try {
    const document = parse(query);
    const names = document.definitions.flatMap(definition =>
      definition.kind === Kind.OPERATION_DEFINITION ? [definition.name?.value ?? null] : [],
    );
    return { document, operationName: names.includes(operationName ?? null) ? operationName : names[0] };
  } catch {
    // The gateway says what is wrong with it.
    return { document: known, operationName };
  }
}

type Headers = Record<string, unknown>;

function withToken(given: Headers = {}, token: string | undefined): Headers {
  const own = Object.keys(given).some(name => name.toLowerCase() === 'authorization');
  return own || !token ? given : { ...given, authorization: `Bearer ${token}` };
}

/** Whose token is sent; undefined when it is none that can be read. */
function ownerOf(headers: Headers): string | undefined {
  const [, token] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  try {
    return readToken(String(token)).owner;
  } catch {
    return undefined;
  }
}

/** One query, once. @throws Error that says what is wrong. */
export async function ask(query: string, headers: Headers): Promise<unknown> {
  const response = await fetch(URL_PATH, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    },
    body: JSON.stringify({ query }),
  });
  const { data, errors }: { data?: unknown; errors?: { message: string }[] } = await response.json();
  if (errors?.[0]) throw new Error(errors[0].message);
  return data;
}
