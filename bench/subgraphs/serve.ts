/**
 * One subgraph of a measurement as a process: as little as a subgraph can be, the same for every gateway. It trusts
 * whoever asks; checking the caller once more is the business of real services.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type DocumentNode, execute, parse } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { told } from '../process.ts';
import { sdlOf } from '../supergraph.ts';
import { createBank, type SubgraphName } from './bank.ts';
import { answer, bodyOf, controlRoute } from './control.ts';

/** What such a process is told. */
export type SubgraphSettings = { name: SubgraphName; port: number; accounts: number };

const { name, port, accounts } = told<SubgraphSettings>();
const bank = createBank(accounts);
const schema = buildSubgraphSchema([{ typeDefs: parse(sdlOf(name)), resolvers: bank.resolvers[name] }]);
const control = controlRoute(bank);
const documents = new Map<string, DocumentNode>();

function documentOf(query: string): DocumentNode {
  const document = documents.get(query) ?? parse(query, { noLocation: true });
  documents.set(query, document);
  return document;
}

type Body = { query: string; variables?: Record<string, unknown>; operationName?: string };

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url !== '/graphql') return control(request, response);
  const { query, variables, operationName } = (await bodyOf(request)) as Body;
  answer(response, await execute({ schema, document: documentOf(query), variableValues: variables, operationName }));
}

const server = createServer((request, response) => {
  serve(request, response).catch(error => answer(response, { errors: [{ message: String(error) }] }, 400));
});
useServer(
  {
    onSubscribe: (_context, _id, { query, variables, operationName }) => ({
      schema,
      document: documentOf(query),
      variableValues: variables ?? undefined,
      operationName,
    }),
  },
  new WebSocketServer({ server, path: '/graphql' }),
);
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => process.stdout.write(`${name} is ready\n`));
