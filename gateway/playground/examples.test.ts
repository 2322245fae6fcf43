import { readFileSync } from 'node:fs';
import { Supergraph } from '@apollo/federation-internals';
import {
  coerceInputValue,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  typeFromAST,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { KINDS, NEWEST_REPLAY, OWN_ACCOUNT, WORKSPACES } from './app/examples.ts';
import { filled, openedIn } from './app/placeholders.ts';

const schema: GraphQLSchema = Supergraph.build(
  readFileSync(new URL('../../schema/supergraph.graphql', import.meta.url), 'utf8'),
)
  .apiSchema()
  .toGraphQLJSSchema();

const examples = KINDS.flatMap(kind =>
  WORKSPACES[kind].examples.map(({ query, variables = {} }) => ({ kind, variables, query, ...operationOf(query) })),
);

function operationOf(query: string): { name: string; operation: OperationDefinitionNode } {
  const [operation] = parse(query).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`no operation: ${query}`);
  return { name: operation.name?.value ?? '', operation };
}

describe('the examples of the playground', () => {
  test.each(examples)('$kind: $name is valid, with variables that the schema takes', ({
    query,
    operation,
    variables,
  }) => {
    expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([]);
    const declared = (operation.variableDefinitions ?? []).map(({ variable, type }) => {
      const errors: string[] = [];
      // Every variable here is of an input type: validation has just said so.
      const inputType = typeFromAST(schema, type as Parameters<typeof typeFromAST>[1]) as Parameters<
        typeof coerceInputValue
      >[1];
      const value = variables[variable.name.value];
      if (value !== undefined) coerceInputValue(value, inputType, (_path, _value, { message }) => errors.push(message));
      expect(errors).toEqual([]);
      return variable.name.value;
    });
    expect(Object.keys(variables).filter(name => !declared.includes(name))).toEqual([]);
  });

  test('have names, which their tabs show, and each its own', () => {
    const names = examples.map(({ name }) => name);
    expect(names).not.toContain('');
    expect(new Set(names).size).toBe(names.length);
  });

  test('begin with a comment that fits the editor of a window 1,280 pixels wide', () => {
    for (const { query } of examples) {
      const comment = query.split('\n').filter(line => line.startsWith('#'));
      expect(comment.length).toBeGreaterThan(0);
      for (const line of comment) expect(line.length, line).toBeLessThanOrEqual(48);
    }
  });

  test('have a subscription for each kind of user', () => {
    const watching = examples.filter(({ operation }) => operation.operation === 'subscription').map(({ kind }) => kind);
    expect(watching).toEqual([...KINDS]);
  });
});

describe('the words for an id in the variables', () => {
  const asked: string[] = [];
  const ask = async (query: string) => {
    asked.push(query);
    return query.includes('accounts') ? { accounts: { nodes: [{ id: 'a1' }] } } : { replays: { nodes: [] } };
  };

  test('are replaced wherever they stand; what is no such word stays', async () => {
    const variables = { input: { accountId: OWN_ACCOUNT, amount: 1, tags: [OWN_ACCOUNT, 'x'], memo: null } };
    expect(await filled(variables, ask)).toEqual({
      input: { accountId: 'a1', amount: 1, tags: ['a1', 'x'], memo: null },
    });
  });

  test('stand for the account that was opened last, and for the first where that is not there any more', async () => {
    const bank = (account: { id: string } | null) => async (query: string) => {
      expect(query).toContain('account(id: "a2")');
      return { account, accounts: { nodes: [{ id: 'a1' }] } };
    };
    expect(await filled([OWN_ACCOUNT], bank({ id: 'a2' }), 'a2')).toEqual(['a2']);
    expect(await filled([OWN_ACCOUNT], bank(null), 'a2')).toEqual(['a1']);
  });

  test('follow an answer that says that an account was opened', () => {
    expect(openedIn({ data: { openAccount: { account: { id: 'a2' } } } })).toBe('a2');
    expect(openedIn({ data: { deposit: { account: { id: 'a2' } } } })).toBeUndefined();
    expect(openedIn({ errors: [{ message: 'no' }] })).toBeUndefined();
  });

  test('cost nothing where there are none', async () => {
    asked.length = 0;
    expect(await filled({ accountId: 'mine' }, ask)).toEqual({ accountId: 'mine' });
    expect(await filled(undefined, ask)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('say what to do first when there is no such id', async () => {
    await expect(filled({ id: NEWEST_REPLAY }, ask)).rejects.toThrow('run DryRun first');
  });
});
