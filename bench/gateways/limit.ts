/**
 * No gateway: what could be had at most in Node. It knows the operations of the measurement, fetches by hand and merges
 * by hand. It checks the client's token and signs the identity as Tributary does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { bearer, tokenVerifier } from '../../gateway/identity.ts';
import { IDENTITY_HEADER, identityCodec } from '../../schema/identity.ts';
import { OPERATIONS } from '../operations.ts';
import { told } from '../process.ts';
import { answer, bodyOf } from '../subgraphs/control.ts';
import { SECRET } from '../token.ts';
import { type GatewaySettings, ready } from './settings.ts';

type Request = { query: string; variables?: Record<string, unknown>; operationName?: string };
type Account = { __typename?: string; id: string; ownerId?: string; ledger?: unknown };
type Entities = { data: { _entities: [Pick<Account, 'ledger'>] } };

const ACCOUNT = `query ($id: ID!) { account(id: $id) { __typename id ownerId name balance { amount version } } }`;
const LEDGER = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Account { ledger(first: 3) { nodes { version amount balance eventId } } } } }`;

const { urls, port } = told<GatewaySettings>();
const verify = tokenVerifier({ secret: SECRET });
const identities = identityCodec(SECRET);
const pools = { account: new Pool(new URL(urls.account).origin), balance: new Pool(new URL(urls.balance).origin) };

async function fetchFrom<Answer>(name: keyof typeof pools, request: Request, identity: string): Promise<Answer> {
  const response = await pools[name].request({
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', [IDENTITY_HEADER]: identity },
    body: JSON.stringify(request),
  });
  return (await response.body.json()) as Answer;
}

async function accountAndLedger(request: Request, identity: string): Promise<unknown> {
  const first = { query: ACCOUNT, variables: request.variables ?? {} };
  const { data } = await fetchFrom<{ data: { account: Account } }>('account', first, identity);
  const { __typename, ownerId, ...account } = data.account;
  const of = [{ __typename, id: account.id, ownerId }];
  const entities = await fetchFrom<Entities>('balance', { query: LEDGER, variables: { of } }, identity);
  return { data: { account: { ...account, ledger: entities.data._entities[0].ledger } } };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const caller = await verify(bearer(request.headers.authorization));
  const identity = await identities.sign(caller.identity);
  const asked = (await bodyOf(request)) as Request;
  const two = asked.query === OPERATIONS.two.query;
  answer(response, await (two ? accountAndLedger(asked, identity) : fetchFrom('account', asked, identity)));
}

createServer((request, response) => {
  serve(request, response).catch(error => answer(response, { errors: [{ message: String(error) }] }, 500));
}).listen(port, '127.0.0.1', () => ready('limit'));
