import { ERRORS, errorCodeDef, type Operation } from '@apollo/federation-internals';
import { type FetchNode, getResponseName, type QueryPlanSelectionNode, type ResponsePath } from '@apollo/query-planner';
import { type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import { type Data, emptyData, isData, isOfType, merge, ownOf, rewrite } from './merge.ts';

/** One fetch, as it was planned. */
export type FetchRequest = { query: string; variables: Data; operationName: string | undefined };

/** A subgraph. */
export type FetchSource<Context> = { fetch(request: FetchRequest, context: Context): Promise<ExecutionResult> };

/** One execution of a plan. */
export type Run<Context> = {
  asked: Operation;
  /** The supergraph's. */
  schema: GraphQLSchema;
  sources: Readonly<Record<string, FetchSource<Context>>>;
  given: Readonly<Record<string, ExecutionResult>>;
  variables: Readonly<Data>;
  context: Context;
  /** All that was fetched so far. */
  data: Data;
  errors: GraphQLError[];
};

/** Where a plan's node works: the path from the root, and the data there; of lists on the way, in all of their items. */
export type Cursor = { path: ResponsePath; data: unknown };

/** Asks a subgraph, and joins what it answers to the data at the cursor. Never rejects: what goes wrong is an error of the run. */
export async function fetchInto<Context>(run: Run<Context>, node: FetchNode, cursor: Cursor): Promise<void> {
  try {
    const asked = whatToAsk(run, node, cursor);
    if (asked.places.length === 0) return;
    const { data, errors } = run.given[node.serviceName] ?? (await ask(run, node, asked));
    if (errors) run.errors.push(...placed(run, node, cursor, errors));
    if (data) join(run, node, asked.places, data);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    run.errors.push(cause instanceof GraphQLError ? cause : new GraphQLError(cause.message, { originalError: cause }));
  }
}

/** Where the answer goes: as it is to one place or all of them, or each entity of it to its own. */
type Asked = { places: Data[]; representations?: Data[] };

function whatToAsk<Context>({ schema }: Run<Context>, { requires, inputRewrites }: FetchNode, { data }: Cursor): Asked {
  const places = (Array.isArray(data) ? data : [data]).filter(isData);
  if (!requires) return { places };
  const asked = { places: [] as Data[], representations: [] as Data[] };
  for (const place of places) {
    const representation = selected(schema, place, requires);
    if (!representation?.__typename) continue;
    rewrite(schema, inputRewrites, representation);
    asked.places.push(place);
    asked.representations.push(representation);
  }
  return asked;
}

function ask<Context>(run: Run<Context>, node: FetchNode, { representations }: Asked): Promise<ExecutionResult> {
  const { serviceName, operation: query, operationName, variableUsages = [] } = node;
  const source = run.sources[serviceName];
  if (!source) throw new Error(`Couldn't find service with name "${serviceName}"`);
  const variables = emptyData();
  for (const name of variableUsages) {
    const value = ownOf(run.variables, name);
    if (value !== undefined) variables[name] = value;
  }
  if (representations) {
    if ('representations' in variables) throw new Error('Variables cannot contain key "representations"');
    variables.representations = representations;
  }
  return source.fetch({ query, variables, operationName }, run.context);
}

function join<Context>({ schema }: Run<Context>, node: FetchNode, places: readonly Data[], data: Data): void {
  const { requires, outputRewrites } = node;
  if (!requires) {
    rewrite(schema, outputRewrites, data);
    for (const place of places) merge(place, data);
    return;
  }
  const entities = data._entities;
  if (!Array.isArray(entities)) throw new Error('Expected "data._entities" in response to be an array');
  if (entities.length !== places.length) {
    throw new Error(`Expected "data._entities" to contain ${places.length} elements`);
  }
  for (const [index, place] of places.entries()) {
    const entity: unknown = entities[index];
    if (!isData(entity)) continue;
    entity.__typename ||= place.__typename;
    rewrite(schema, outputRewrites, entity);
    merge(place, entity);
  }
}

/** What a subgraph needs to know of an entity; null when a part of it was not to be had. */
function selected(schema: GraphQLSchema, source: Data, selections: readonly QueryPlanSelectionNode[]): Data | null {
  const result = emptyData();
  for (const selection of selections) {
    if (selection.kind === 'InlineFragment') {
      const { typeCondition } = selection;
      const applies = typeCondition && isOfType(schema, source, typeCondition, false);
      const more = applies ? selected(schema, source, selection.selections) : null;
      if (more) merge(result, more);
      continue;
    }
    const name = getResponseName(selection);
    const value = ownOf(source, name);
    if (value === undefined) return null;
    result[name] = selection.selections ? selectedIn(schema, value, selection.selections) : value;
  }
  return result;
}

function selectedIn(schema: GraphQLSchema, value: unknown, selections: readonly QueryPlanSelectionNode[]): unknown {
  if (Array.isArray(value)) return value.map(item => selectedIn(schema, item, selections));
  return isData(value) ? selected(schema, value, selections) : null;
}

type Path = (string | number)[];

/** A subgraph's errors, with the place that the client knows. */
function placed<Context>(
  run: Run<Context>,
  { requires, serviceName }: FetchNode,
  cursor: Cursor,
  errors: readonly GraphQLError[],
): GraphQLError[] {
  // Of each entity that was asked for.
  const entityPaths: Path[] = [];
  if (requires) collectPaths([], cursor.path, run.data, entityPaths);

  function pathOf(path: GraphQLError['path']): Path | undefined {
    const entity = path?.[1];
    if (requires && typeof entity === 'number') return [...(entityPaths[entity] ?? []), ...(path?.slice(2) ?? [])];
    return path && [...cursor.path, ...path];
  }

  return errors.map(error => {
    const message = error.message || `Error while fetching subquery from service "${serviceName}"`;
    const extensions = { ...error.extensions, serviceName };
    const options = { originalError: error, path: pathOf(error.path), extensions };
    const known = errorCodeDef(error);
    if (!known && error.extensions?.code) return new GraphQLError(message, options);
    return (known ?? ERRORS.DOWNSTREAM_SERVICE_ERROR).err(message, options);
  });
}

/** The paths from the root to all that a path with lists in it leads to. */
function collectPaths(parent: Path, path: ResponsePath, data: unknown, found: Path[]): void {
  const [head, ...rest] = path;
  if (data === undefined || data === null) return;
  if (head === undefined) found.push(parent);
  else if (Array.isArray(data)) {
    for (const [index, item] of data.entries())
      collectPaths([...parent, index], head === '@' ? rest : path, item, found);
  } else if (isData(data)) collectPaths([...parent, head], rest, ownOf(data, String(head)), found);
}
