import {
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
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { outOfBounds, TOKENS_MAX } from './bounds.ts';
import { type Cost, costWith, operationCost, type Variables } from './cost.ts';
import { plannedIntrospectionRule } from './introspection.ts';
import { type DocumentRequest, documentLookup, PersistedDocumentError, type PersistedDocuments } from './persisted.ts';

/** One valid operation of a client. */
export type Operation = {
  /** The document as it was written, or persisted. */
  text: string;
  document: DocumentNode;
  definition: OperationDefinitionNode;
  /** The name it was asked for by; undefined when the document has one operation only and none was asked for. */
  name: string | undefined;
};

/** What a client asks for, over HTTP and over a socket alike. */
export type OperationRequest = DocumentRequest & {
  operationName?: string | null | undefined;
  variables?: Variables | null | undefined;
};

/** What a client's document is held to, over HTTP and over a socket alike. */
export type DocumentRules = {
  maxTokens: number;
  validationRules: readonly ValidationRule[];
  /** The only documents that are executed; any when absent. */
  persisted?: PersistedDocuments | undefined;
};

export type DocumentOptions = {
  /** Whether clients may read the schema. */
  introspection: boolean;
  persisted?: PersistedDocuments | undefined;
};

const VALIDATION_ERRORS_MAX = 10;
/** All documents that are kept, together; as trees they take some hundred times as much. */
const CACHED_CHARS_MAX = 500_000;
/** What takes the gateway a tenth of a second to answer, apart from the services; what clients need is below 2,000. */
export const COST_MAX = 20_000;

export function documentRules({ introspection, persisted }: DocumentOptions): DocumentRules {
  const validationRules = [introspection ? plannedIntrospectionRule : NoSchemaIntrospectionCustomRule];
  return { maxTokens: TOKENS_MAX, validationRules, persisted };
}

/** Reads an operation: it, or the errors for which it is refused. Never throws. */
export type OperationReader = (request: OperationRequest) => Operation | readonly GraphQLError[];

/**
 * The one way of a client's document, whatever it came over: found, parsed, held to BOUNDS, validated, and its cost counted
 * with the variables that came with it. Valid documents are kept, and only the last of these is done again for each request.
 *
 * @throws PersistedDocumentError when one of the persisted documents is not valid.
 */
export function operationReader(schema: GraphQLSchema, rules: DocumentRules): OperationReader {
  const { maxTokens, persisted } = rules;
  const validationRules = [...specifiedRules, ...rules.validationRules];
  const lookup = documentLookup(persisted);
  const costs = new WeakMap<OperationDefinitionNode, Cost>();
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: CACHED_CHARS_MAX,
    sizeCalculation: (_, text) => text.length,
  });

  function read(text: string): DocumentNode | readonly GraphQLError[] {
    const known = documents.get(text);
    if (known) return known;
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens });
    } catch (error) {
      return [coded(error, 'GRAPHQL_PARSE_FAILED')];
    }
    const refused = outOfBounds(document);
    if (refused) return [refused];
    try {
      const errors = validate(schema, document, validationRules, { maxErrors: VALIDATION_ERRORS_MAX });
      if (errors.length > 0) return errors.map(error => coded(error, 'GRAPHQL_VALIDATION_FAILED'));
    } catch (error) {
      // graphql 16 throws here for a variable in @skip or @include on a subscription's root field.
      return [coded(error, 'GRAPHQL_VALIDATION_FAILED')];
    }
    documents.set(text, document);
    return document;
  }

  function costOf(document: DocumentNode, definition: OperationDefinitionNode): Cost {
    const known = costs.get(definition);
    if (known) return known;
    const cost = operationCost(schema, document, definition);
    costs.set(definition, cost);
    return cost;
  }

  function tooCostly(document: DocumentNode, definition: OperationDefinitionNode, variables: Variables) {
    const cost = costOf(document, definition);
    if (cost.least > COST_MAX) return costError(cost.least, 'GRAPHQL_VALIDATION_FAILED');
    const costNow = costWith(cost, variables);
    return costNow > COST_MAX ? costError(costNow, 'BAD_USER_INPUT') : undefined;
  }

  for (const [id, text] of Object.entries(persisted ?? {})) {
    const document = read(text);
    if (!('kind' in document)) throw new PersistedDocumentError(`persisted document ${id}: ${document[0]?.message}`);
  }

  return request => {
    const text = lookup(request);
    if (typeof text !== 'string') return [text];
    const document = read(text);
    if (!('kind' in document)) return document;
    const { operationName, variables } = request;
    const definition = getOperationAST(document, operationName);
    if (!definition) return [unknownOperation(operationName)];
    const refused = tooCostly(document, definition, variables ?? {});
    return refused ? [refused] : { text, document, definition, name: operationName ?? undefined };
  };
}

function unknownOperation(operationName: string | null | undefined): GraphQLError {
  const message = operationName ? `Unknown operation named "${operationName}".` : 'Must provide an operation name.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}

function costError(cost: number, code: string): GraphQLError {
  const message = `The operation would cost ${cost}; at most ${COST_MAX} is allowed. Ask for smaller pages (first) or fewer fields.`;
  return new GraphQLError(message, { extensions: { code } });
}

function coded(error: unknown, code: string): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('The document cannot be read.', { extensions: { code } });
  const { message, nodes, source, positions, extensions } = error;
  // A scalar says itself what a value is that is none of it.
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, ...extensions } });
}
