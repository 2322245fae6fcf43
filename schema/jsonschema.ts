/** Contracts as JSON Schema, draft 7: what other languages, AsyncAPI and the gate for breaking changes read. */
import { z } from 'zod';
import { type Contract, dataSchemaOf } from '../events/contract.ts';

/** A JSON Schema, as far as contracts make use of it. */
export type JsonSchema = {
  $id?: string;
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  [keyword: string]: unknown;
};

/** The schema of a contract's `data`, named by the CloudEvents `dataschema` of its events. */
export function jsonSchemaOf(contract: Contract): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(contract.data, { target: 'draft-7', io: 'input' });
  return {
    ...{ $schema, $id: dataSchemaOf(contract), title: `${contract.type} ${contract.version}` },
    description: contract.description,
    // What the library says is plain JSON.
    ...(schema as JsonSchema),
    ...(contract.example !== undefined && { examples: [contract.example] }),
  };
}
