import { readFileSync } from 'node:fs';
import { Supergraph } from '@apollo/federation-internals';
import type { GraphQLSchema } from 'graphql';
import { supergraphFile } from '../../../scripts/compose.ts';

/** What clients see of the composed schema. */
export const clientSchema = (): GraphQLSchema =>
  Supergraph.build(readFileSync(supergraphFile, 'utf8')).apiSchema().toGraphQLJSSchema();
