import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { useEffect, useState } from 'react';
import { ask } from './fetcher.ts';

/** What the playground knows of the schema. */
export type SchemaState =
  | { state: 'asking' | 'nobody' | 'off'; schema?: undefined; why?: undefined }
  | { state: 'failed'; why: string; schema?: undefined }
  | { state: 'known'; schema: GraphQLSchema; why?: undefined };

/**
 * Asks the gateway for its schema, as whoever has the token.
 *
 * @returns `off` where the gateway keeps it to itself, as in production; everything but completion and the documentation works.
 */
export async function loadSchema(token: string): Promise<SchemaState> {
  try {
    const data = await ask(getIntrospectionQuery(), { authorization: `Bearer ${token}` });
    // What answers an introspection query is what graphql-js calls by this name; it checks it.
    return { state: 'known', schema: buildClientSchema(data as IntrospectionQuery) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return /introspection/i.test(why) ? { state: 'off' } : { state: 'failed', why };
  }
}

/** The schema, asked for once for each person. */
export function useSchema(token: string | undefined): SchemaState {
  const [known, setKnown] = useState<SchemaState>({ state: 'asking' });
  useEffect(() => {
    if (!token) return setKnown({ state: 'nobody' });
    let current = true;
    setKnown(before => (before.state === 'known' ? before : { state: 'asking' }));
    void loadSchema(token).then(loaded => current && setKnown(loaded));
    return () => {
      current = false;
    };
  }, [token]);
  return known;
}
