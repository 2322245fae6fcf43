/** What a GraphQL document answers and takes, written as TypeScript: for the test that holds the console's own types to it. */
import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type TypeNode,
  typeFromAST,
} from 'graphql';

const SCALARS: Record<string, string> = {
  ID: 'string',
  String: 'string',
  DateTime: 'string',
  Int: 'number',
  Float: 'number',
  MinorUnits: 'number',
  Boolean: 'boolean',
  JSON: 'unknown',
};

/** @returns the types of the only operation of a valid document. */
export function typesOf(schema: GraphQLSchema, document: DocumentNode): { data: string; variables: string } {
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) throw new Error('the document has no operation');
  const variables = (operation.variableDefinitions ?? []).map(({ variable, type, defaultValue }) =>
    property(variable.name.value, inputType(schema, type), Boolean(defaultValue)),
  );
  return { data: objectType(root, operation.selectionSet, document), variables: `{ ${variables.join(' ')} }` };
}

function inputType(schema: GraphQLSchema, node: TypeNode): GraphQLInputType {
  const type = typeFromAST(schema, node);
  if (!isInputType(type)) throw new Error('a variable of a type that is none for input');
  return type;
}

const property = (name: string, type: GraphQLInputType, hasDefault: boolean): string =>
  `${name}${isNonNullType(type) && !hasDefault ? '' : '?'}: ${wrapped(type, input)};`;

function input(type: GraphQLType): string {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return leaf(named);
  const fields = Object.values(named.getFields());
  return `{ ${fields.map(field => property(field.name, field.type, field.defaultValue !== undefined)).join(' ')} }`;
}

/** A type with its lists and nulls around what `inner` makes of it. */
function wrapped(type: GraphQLType, inner: (named: GraphQLType) => string): string {
  const bare = isNonNullType(type) ? type.ofType : type;
  const text = isListType(bare) ? `(${wrapped(bare.ofType, inner)})[]` : inner(bare);
  return isNonNullType(type) ? text : `${text} | null`;
}

function leaf(type: GraphQLType): string {
  if (isEnumType(type))
    return type
      .getValues()
      .map(({ name }) => `'${name}'`)
      .join(' | ');
  const known = SCALARS[String(type)];
  if (!known) throw new Error(`the scalar ${type} is not known here`);
  return known;
}

function objectType(type: GraphQLObjectType, selections: SelectionSetNode, document: DocumentNode): string {
  return `{ ${fieldsOf(type, selections, document).join(' ')} }`;
}

/** No type of the schema is abstract, so a fragment's fields are always there. */
function fieldsOf(type: GraphQLObjectType, { selections }: SelectionSetNode, document: DocumentNode): string[] {
  return selections.flatMap(selection => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsOf(type, selection.selectionSet, document);
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = document.definitions.find(
        definition => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
      );
      return fragment && 'selectionSet' in fragment ? fieldsOf(type, fragment.selectionSet, document) : [];
    }
    const name = selection.alias?.value ?? selection.name.value;
    if (selection.name.value === '__typename') return [`${name}: '${type.name}';`];
    const field = type.getFields()[selection.name.value];
    if (!field) throw new Error(`${type.name} has no field ${selection.name.value}`);
    return [`${name}: ${output(field.type, selection.selectionSet, document)};`];
  });
}

function output(type: GraphQLOutputType, selections: SelectionSetNode | undefined, document: DocumentNode): string {
  return wrapped(type, named =>
    isObjectType(named) && selections ? objectType(named, selections, document) : leaf(named),
  );
}
