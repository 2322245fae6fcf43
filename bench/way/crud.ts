/**
 * What one would write instead: the same Apollo Server, whose mutation adds to a row by one `$inc`, acknowledged as durable, and keeps
 * nothing else. The caller's token is checked by the same verifier.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { MongoClient } from 'mongodb';
import { bearer, type Caller, tokenVerifier } from '../../gateway/identity.ts';
import { ready } from '../gateways/settings.ts';
import { told } from '../process.ts';
import { SECRET } from '../token.ts';

export type Crud = { mongodbUrl: string; port: number };

process.env.APOLLO_TELEMETRY_DISABLED = 'true';

const typeDefs = `#graphql
  type Query { balance(accountId: ID!): Int }
  type Mutation { deposit(input: TransactionInput!): TransactionPayload! }
  input TransactionInput { accountId: ID!, amount: Int!, memo: String, idempotencyKey: String }
  type TransactionPayload { transaction: Transaction! }
  type Transaction { id: ID! }
`;

const { mongodbUrl, port } = told<Crud>();
const mongo = new MongoClient(mongodbUrl, { writeConcern: { w: 'majority', journal: true } });
const accounts = mongo.db('plain').collection<{ _id: string; balance: number }>('accounts');
const verify = tokenVerifier({ secret: SECRET });

type Input = { input: { accountId: string; amount: number } };

const server = new ApolloServer<Caller>({
  typeDefs,
  resolvers: {
    Query: {
      balance: async (_, { accountId }: { accountId: string }) => (await accounts.findOne({ _id: accountId }))?.balance,
    },
    Mutation: {
      async deposit(_, { input: { accountId, amount } }: Input) {
        await accounts.updateOne({ _id: accountId }, { $inc: { balance: amount } }, { upsert: true });
        return { transaction: { id: randomUUID() } };
      },
    },
  },
});
await server.start();
const app = express().use(
  '/graphql',
  express.json(),
  expressMiddleware(server, { context: ({ req }) => verify(bearer(req.headers.authorization)) }),
);
createServer(app).listen(port, '127.0.0.1', () => ready('crud'));
