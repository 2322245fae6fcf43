/** Operations over a schema: what it offers, mostly as it wants to be asked, and sometimes not quite. */
import fc, { type Arbitrary } from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  isRequiredArgument,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from 'graphql';
import { sometimes } from './chance.ts';
import type { Directive, Input, Operation, Selection } from './document.ts';
import type { Values } from './values.ts';

/** Fields within each other, by the kind of operation. */
const DEEP = { query: 4, mutation: 3, subscription: 3 } as const;
/** In one selection set. */
const SELECTIONS_MAX = 3;
const FRAGMENTS_DEEP = 1;

/** How often a field is asked for, where that is not as often as its neighbours. */
const WEIGHT = 100;
const WEIGHTS: Readonly<Record<string, number>> = {
  account: 1_200,
  accounts: 300,
  deposit: 400,
  withdraw: 400,
  // Each of these makes work that goes on behind the answer, or reads everything.
  replay: 25,
  verifyLake: 25,
  __schema: 40,
  __type: 40,
};

const NO_FIELDS = ['nonsense', '__proto__', 'constructor', 'toString', '_entities', '_service', '__typename2', 'id'];

const NOTHING = fc.constant([]);

type FieldOf = GraphQLField<unknown, unknown>;

export function operationsOf(schema: GraphQLSchema, values: Values): Arbitrary<Operation> {
  const memo = new Map<string, Arbitrary<readonly Selection[]>>();

  function once(key: string, make: () => Arbitrary<readonly Selection[]>): Arbitrary<readonly Selection[]> {
    const known = memo.get(key) ?? make();
    memo.set(key, known);
    return known;
  }

  const directive: Arbitrary<Directive> = fc.record({
    name: sometimes(300, fc.constantFrom('skip', 'include'), fc.constantFrom('defer', 'stream', 'nonsense')),
    condition: condition(schema, values),
  });
  const directives: Arbitrary<readonly Directive[]> = sometimes(
    14,
    NOTHING,
    sometimes(150, fc.tuple(directive), fc.tuple(directive, directive)),
  );

  function args(field: FieldOf): Arbitrary<readonly (readonly [string, Input])[]> {
    const each = field.args.map((arg: GraphQLArgument) => {
      // Whose id it is, the field says.
      const name = arg.name === 'id' ? `${field.name}Id` : arg.name;
      const given = values.of(arg.type, name).map(input => [[arg.name, input] as const]);
      if (isRequiredArgument(arg)) return sometimes(200, given, NOTHING);
      // A cursor is of another list more often than not.
      return sometimes(arg.name === 'after' ? 4 : 2, NOTHING, given);
    });
    const unknown = sometimes(2_000, NOTHING, fc.constant([['nonsense', { kind: 'json', json: 1 }] as const]));
    return fc.tuple(...each, unknown).map(lists => lists.flat());
  }

  function fieldOf(field: FieldOf, deep: number): Arbitrary<Selection> {
    const type = getNamedType(field.type);
    const below = isObjectType(type) ? selections(type, deep - 1, FRAGMENTS_DEEP) : fc.constant(undefined);
    // A leaf with a selection, or an object without one.
    const wrong = isObjectType(type) ? fc.constant(undefined) : fc.constant([]).map(() => [bare('__typename')]);
    return fc
      .record({
        args: args(field),
        alias: fc.integer({ min: 0, max: 99 }),
        directives,
        selections: sometimes(1_000, below, wrong),
      })
      .map(({ alias, ...rest }) => ({
        kind: 'field',
        name: field.name,
        ...rest,
        aliased: rest.args.length > 0 ? alias >= 5 : alias >= 80,
      }));
  }

  function fragment(type: GraphQLObjectType, deep: number, fragments: number): Arbitrary<Selection> {
    return fc.record({
      kind: fc.constant('fragment' as const),
      on: sometimes(
        200,
        fc.constantFrom(type.name, type.name, undefined),
        fc.constantFrom('Balance', 'String', 'Nonsense', 'EventFilter'),
      ),
      named: fc.boolean(),
      directives,
      selections: selections(type, deep, fragments - 1),
    });
  }

  function selections(type: GraphQLObjectType, deep: number, fragments: number): Arbitrary<readonly Selection[]> {
    return once(`${type.name} ${deep} ${fragments}`, () => {
      const all = fieldsOf(schema, type);
      const leaves = all.filter(field => !isObjectType(getNamedType(field.type)));
      // A connection has none.
      const fields = deep > 1 || leaves.length === 0 ? all : leaves;
      const choices = fields.map(field => ({
        weight: WEIGHTS[field.name] ?? WEIGHT,
        arbitrary: fieldOf(field, deep),
      }));
      const total = choices.reduce((sum, { weight }) => sum + weight, 0);
      const share = (part: number, arbitrary: Arbitrary<Selection>) => ({
        weight: Math.max(1, Math.round(total * part)),
        arbitrary,
      });
      const more = [
        share(0.05, fc.constant(bare('__typename'))),
        share(0.0005, fc.constantFrom(...NO_FIELDS).map(bare)),
        ...(fragments > 0 ? [share(0.1, fragment(type, deep, fragments))] : []),
      ];
      return fc.array(fc.oneof(...choices, ...more), { minLength: 1, maxLength: SELECTIONS_MAX });
    });
  }

  function operation(type: Operation['type'], root: GraphQLObjectType | null | undefined): Arbitrary<Operation> {
    if (!root) throw new Error(`the schema has no ${type}`);
    const all = selections(root, DEEP[type], FRAGMENTS_DEEP);
    return fc.record({
      type: fc.constant(type),
      name: fc.option(fc.constantFrom('Mine', 'Other', '_'), { nil: undefined }),
      // A subscription has one root field.
      selections: type === 'subscription' ? sometimes(20, all.map(firstOf), all) : all,
    });
  }

  return fc.oneof(
    { weight: 5, arbitrary: operation('query', schema.getQueryType()) },
    { weight: 3, arbitrary: operation('mutation', schema.getMutationType()) },
    { weight: 2, arbitrary: operation('subscription', schema.getSubscriptionType()) },
  );
}

const firstOf = (all: readonly Selection[]) => all.slice(0, 1);

const bare = (name: string): Selection => ({
  kind: 'field',
  name,
  args: [],
  aliased: false,
  directives: [],
  selections: undefined,
});

/** With those of introspection, which a root has though it does not say so. */
function fieldsOf(schema: GraphQLSchema, type: GraphQLObjectType): FieldOf[] {
  const meta = type === schema.getQueryType() ? [SchemaMetaFieldDef, TypeMetaFieldDef] : [];
  return [...Object.values(type.getFields()), ...meta];
}

function condition(schema: GraphQLSchema, values: Values): Arbitrary<Input> {
  const type = schema.getDirective('skip')?.args[0]?.type;
  if (!type) throw new Error('the schema has no @skip');
  return values.of(type, 'if');
}
