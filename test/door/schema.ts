/** The public schema, as the tests of the door go through it: every operation, and every place of its input. */
import {
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { clientSchema } from './fuzz/schema.ts';

const schema = clientSchema();

export type Variables = Record<string, unknown>;

/** A field at the root, and a document that asks for it with all its arguments as variables. */
export type RootField = {
  /** `query`, `mutation` or `subscription`, and the field's name. */
  name: string;
  kind: 'query' | 'mutation' | 'subscription';
  document: string;
  /** Values that its types allow. */
  variables: Variables;
  /** Every place of its input, with the name of the type that is wanted there. */
  places: { path: readonly string[]; type: string }[];
};

/** What an owner may ask for; all else is the operators'. */
const OWNERS = [
  ...['account', 'accounts', 'openAccount', 'deposit', 'withdraw', 'balanceChanged'],
  ...['transfer', 'transfers', 'transferChanged'],
];

/** By name, where the type alone does not say what makes sense. */
const SAMPLES: Record<string, unknown> = { name: 'Everyday', currency: 'EUR', service: 'account', dryRun: true };

export const rootFields: RootField[] = [
  ...Object.values(schema.getQueryType()?.getFields() ?? {}).map(field => rootField('query', field)),
  ...Object.values(schema.getMutationType()?.getFields() ?? {}).map(field => rootField('mutation', field)),
  ...Object.values(schema.getSubscriptionType()?.getFields() ?? {}).map(field => rootField('subscription', field)),
];

export const operatorsFields = rootFields.filter(({ name }) => !OWNERS.includes(name.split(' ')[1] ?? ''));

function rootField(kind: RootField['kind'], { name, args, type }: GraphQLField<unknown, unknown>): RootField {
  const declared = args.map(argument => `$${argument.name}: ${argument.type}`).join(', ');
  const given = args.map(argument => `${argument.name}: $${argument.name}`).join(', ');
  const selection = isCompositeType(getNamedType(type)) ? ' { __typename }' : '';
  return {
    name: `${kind} ${name}`,
    kind,
    document: `${kind} ${declared && `(${declared})`} { ${name}${given && `(${given})`}${selection} }`,
    variables: Object.fromEntries(args.map(argument => [argument.name, sample(argument.name, argument.type)])),
    places: args.flatMap(argument => placesOf([argument.name], argument.type)),
  };
}

function sample(name: string, type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return sample(name, type.ofType);
  if (isListType(type)) return [sample(name, type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    return Object.fromEntries(
      Object.values(type.getFields()).map(field => [field.name, sample(field.name, field.type)]),
    );
  }
  if (name in SAMPLES) return SAMPLES[name];
  const values: Record<string, unknown> = { Int: 1, MinorUnits: 1, Boolean: true, DateTime: '2026-01-31T12:00:00Z' };
  return values[type.name] ?? 'anything';
}

function placesOf(path: readonly string[], type: GraphQLInputType): RootField['places'] {
  const named = getNamedType(type);
  const here = { path, type: named.name };
  if (!isInputObjectType(named)) return [here];
  return [here, ...Object.values(named.getFields()).flatMap(field => placesOf([...path, field.name], field.type))];
}

/** The variables with another value at one place. */
export function withValue(variables: Variables, [first = '', ...rest]: readonly string[], value: unknown): Variables {
  const inner = rest.length === 0 ? value : withValue((variables[first] ?? {}) as Variables, rest, value);
  return { ...variables, [first]: inner };
}
