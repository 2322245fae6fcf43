import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { z } from 'zod';

/** What a client sends of a document: its text, or the name that it was persisted under. */
export type DocumentRequest = { query?: unknown; documentId?: unknown; extensions?: unknown };

/** A mistake in the persisted documents: whoever starts the gateway has to know, and needs no stack. */
export class PersistedDocumentError extends Error {
  override name = 'PersistedDocumentError';
}

/** Finds the text of the document that is asked for; or says why it is not executed. */
export type DocumentLookup = (request: DocumentRequest) => string | GraphQLError;

/** Documents by id: the SHA-256 of the text in hexadecimal, or any other name. */
export type PersistedDocuments = Readonly<Record<string, string>>;

const SHA_256 = /^[\da-f]{64}$/;
// As in the GraphQL over HTTP specification's appendix A, persisted documents.
const PREFIX = /^sha256:/;

const FILE = z.record(z.string().min(1), z.string().min(1));

/**
 * Reads the file of persisted documents: one JSON object, `{"<sha256 of the text>": "query …"}`, as GraphQL Code
 * Generator and Relay write it.
 *
 * @throws PersistedDocumentError when it is no such file, or an id that looks like a hash is not the one of its text.
 */
export function parsePersistedDocuments(json: string): PersistedDocuments {
  const documents = FILE.safeParse(jsonOf(json)).data;
  if (!documents) throw new PersistedDocumentError('persisted documents are one JSON object: {"<id>": "<document>"}');
  for (const [id, text] of Object.entries(documents)) {
    const forged = SHA_256.test(id) && id !== hashOf(text);
    if (forged) throw new PersistedDocumentError(`persisted document ${id}: this is not the hash of its text`);
  }
  return documents;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Without persisted documents every text is accepted, and an id is not. With them nothing but them is accepted, whether
 * by its text, by `documentId` or by `extensions.persistedQuery.sha256Hash`.
 */
export function documentLookup(persisted: PersistedDocuments | undefined): DocumentLookup {
  if (!persisted) return textOf;
  const documents = new Map(Object.entries(persisted));
  for (const text of documents.values()) documents.set(hashOf(text), text);
  const texts = new Set(documents.values());
  return request => {
    const id = idOf(request);
    const { query } = request;
    if (id === undefined) {
      if (typeof query === 'string' && texts.has(query)) return query;
      return refusal('QUERY_NOT_IN_SAFELIST', 'Only persisted documents are executed here. Send the id of one.');
    }
    const text = documents.get(id.replace(PREFIX, ''));
    if (text === undefined) return refusal('PERSISTED_QUERY_NOT_IN_LIST', 'There is no persisted document of this id.');
    if (!query || query === text) return text;
    return refusal('QUERY_NOT_IN_SAFELIST', 'The document is not the one that is persisted under this id.');
  };
}

function textOf({ query, ...rest }: DocumentRequest): string | GraphQLError {
  if (typeof query === 'string' && query) return query;
  if (idOf(rest) === undefined) return refusal('BAD_REQUEST', 'The request has no GraphQL document in `query`.');
  return refusal('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');
}

const ID = z.object({
  documentId: z.string().optional(),
  extensions: z.object({ persistedQuery: z.object({ sha256Hash: z.string() }).optional() }).nullish(),
});

function idOf(request: DocumentRequest): string | undefined {
  const { documentId, extensions } = ID.safeParse(request).data ?? {};
  return documentId ?? extensions?.persistedQuery?.sha256Hash;
}

const refusal = (code: string, message: string): GraphQLError => new GraphQLError(message, { extensions: { code } });
