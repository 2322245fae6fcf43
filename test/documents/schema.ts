/** The schema as clients see it, and whether what documents say of it is so. */
import { GraphQLError, isEnumType, isObjectType, parse, validate } from 'graphql';
import { DELIBERATE } from '../../gateway/errors.ts';
import { serviceNames } from '../../subgraphs/catalog.ts';
import { clientSchema } from '../door/fuzz/schema.ts';

const schema = clientSchema();
const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));

/** All that `extensions.code` can be. */
export const CODES: readonly string[] = [...[...DELIBERATE].map(String), 'INTERNAL_SERVER_ERROR'];

/** The variables by which a gateway finds services. */
export const SERVICE_URLS: readonly string[] = serviceNames().map(
  name => `${name.toUpperCase().replaceAll('-', '_')}_URL`,
);

/** @returns what is wrong with an operation. */
export function problemsOfOperation(text: string): string[] {
  try {
    return validate(schema, parse(text)).map(({ message }) => message);
  } catch (error) {
    return [error instanceof GraphQLError ? error.message : String(error)];
  }
}

/** The values of an enum. */
export function valuesOf(name: string): string[] {
  const type = schema.getType(name);
  return isEnumType(type) ? type.getValues().map(value => value.name) : [];
}

/** The names of all values of all enums. */
export const enumValues: readonly string[] = types.flatMap(type =>
  isEnumType(type) ? type.getValues().map(({ name }) => name) : [],
);

/** Whether a field of any type has an argument of this name. */
export const hasArgument = (field: string, argument: string): boolean =>
  types.some(type => isObjectType(type) && type.getFields()[field]?.args.some(({ name }) => name === argument));
