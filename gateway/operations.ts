import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';

/** One valid operation of a client. */
export type Operation = {
  document: DocumentNode;
  definition: OperationDefinitionNode;
  /** The name it was asked for by; undefined when the document has one operation only and none was asked for. */
  name: string | undefined;
};

/** What a client's document is held to, over HTTP and over a socket alike. */
export type DocumentRules = { maxTokens: number; validationRules: readonly ValidationRule[] };

/** A document of more tokens is refused before it is parsed to its end. */
const TOKENS_MAX = 4_000;
/** Selection sets within each other, and lists or objects within each other. */
const SELECTIONS_DEEP_MAX = 20;
const VALUES_DEEP_MAX = 10;
const VALIDATION_ERRORS_MAX = 10;
/** All documents that are kept, together; as trees they take some hundred times as much. */
const CACHED_CHARS_MAX = 500_000;

/** @param introspection whether clients may read the schema. */
export function documentRules({ introspection }: { introspection: boolean }): DocumentRules {
  return { maxTokens: TOKENS_MAX, validationRules: introspection ? [] : [NoSchemaIntrospectionCustomRule] };
}

/** Reads an operation: it, or the errors for which it is refused. Never throws. */
export type OperationReader = (query: string, operationName?: string | null) => Operation | readonly GraphQLError[];

/** Parses, validates and finds the operation; valid documents are kept. */
export function operationReader(schema: GraphQLSchema, { maxTokens, validationRules }: DocumentRules): OperationReader {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: CACHED_CHARS_MAX,
    sizeCalculation: (_, query) => query.length,
  });
  const rules = [...specifiedRules, ...validationRules];

  function read(query: string): DocumentNode | readonly GraphQLError[] {
    const known = documents.get(query);
    if (known) return known;
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens });
    } catch (error) {
      return [coded(error, 'GRAPHQL_PARSE_FAILED')];
    }
    const tooDeep = nestedTooDeep(document);
    if (tooDeep) return [tooDeep];
    try {
      const errors = validate(schema, document, rules, { maxErrors: VALIDATION_ERRORS_MAX });
      if (errors.length > 0) return errors.map(error => coded(error, 'GRAPHQL_VALIDATION_FAILED'));
    } catch (error) {
      // graphql 16 throws here for a variable in @skip or @include on a subscription's root field.
      return [coded(error, 'GRAPHQL_VALIDATION_FAILED')];
    }
    documents.set(query, document);
    return document;
  }

  return (query, operationName) => {
    const document = read(query);
    if (!('kind' in document)) return document;
    const definition = getOperationAST(document, operationName);
    if (definition) return { document, definition, name: operationName ?? undefined };
    const message = operationName ? `Unknown operation named "${operationName}".` : 'Must provide an operation name.';
    return [new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })];
  };
}

/** What planning and coercion cost grows beyond measure with nesting, so it is bounded before either begins. */
function nestedTooDeep(document: DocumentNode): GraphQLError | undefined {
  const depth = { selections: 0, values: 0 };
  let found: GraphQLError | undefined;
  const nest = (what: keyof typeof depth, max: number) => ({
    enter(node: ASTNode) {
      depth[what] += 1;
      if (depth[what] <= max) return undefined;
      const message = `The document nests ${what} more than ${max} deep.`;
      found = new GraphQLError(message, { nodes: node, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
      return BREAK;
    },
    leave() {
      depth[what] -= 1;
    },
  });
  const selections = nest('selections', SELECTIONS_DEEP_MAX);
  const values = nest('values', VALUES_DEEP_MAX);
  visit(document, { SelectionSet: selections, ListValue: values, ObjectValue: values });
  return found;
}

function coded(error: unknown, code: string): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('The document cannot be read.', { extensions: { code } });
  const { message, nodes, source, positions } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
