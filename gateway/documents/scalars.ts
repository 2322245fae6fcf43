/** The scalars that services have, for the gateway's own schema: the supergraph has only their names, and would take any literal. */
import { type GraphQLSchema, isScalarType } from 'graphql';
import { DateTime, MinorUnits } from '../../schema/scalars.ts';

/**
 * Lets literals be held to what their scalars are when a document is validated, where they still are as somebody wrote them: on their way to
 * a service they become variables, and 12.0 is 12. Values of variables are the services' to check.
 *
 * @returns the schema itself.
 */
export function withScalars(schema: GraphQLSchema): GraphQLSchema {
  for (const { name, parseLiteral } of [DateTime, MinorUnits]) {
    const type = schema.getType(name);
    if (isScalarType(type)) type.parseLiteral = parseLiteral;
  }
  return schema;
}
