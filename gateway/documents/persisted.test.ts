import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { type DocumentRequest, documentLookup, hashOf, parsePersistedDocuments } from './persisted.ts';

const TEXT = '{ __typename }';
const HASH = hashOf(TEXT);
const documents = { [HASH]: TEXT, named: '{ services { name } }' };

const outcome = (request: DocumentRequest, persisted?: typeof documents) => {
  const found = documentLookup(persisted)(request);
  return found instanceof GraphQLError ? found.extensions.code : found;
};
const byHash = (sha256Hash: unknown) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });

test.each<[string, DocumentRequest, string]>([
  ['its hash', byHash(HASH), TEXT],
  ['its hash and its text', { query: TEXT, ...byHash(HASH) }, TEXT],
  ['its hash and an empty text, as graphql-ws needs one', { query: '', ...byHash(HASH) }, TEXT],
  ['documentId', { documentId: HASH }, TEXT],
  ['documentId as the specification writes hashes', { documentId: `sha256:${HASH}` }, TEXT],
  ['another name', { documentId: 'named' }, documents.named],
  ['the hash of what has another name', { documentId: hashOf(documents.named) }, documents.named],
  ['its text', { query: TEXT }, TEXT],
])('a persisted document is found by %s', (_, request, text) => {
  expect(outcome(request, documents)).toBe(text);
});

test.each<[string, DocumentRequest, string]>([
  ['another text', { query: '{ accounts { nodes { id } } }' }, 'QUERY_NOT_IN_SAFELIST'],
  ['a text that differs by a space', { query: `${TEXT} ` }, 'QUERY_NOT_IN_SAFELIST'],
  ['another text under a known hash', { query: '{ a }', ...byHash(HASH) }, 'QUERY_NOT_IN_SAFELIST'],
  ['no document at all', {}, 'QUERY_NOT_IN_SAFELIST'],
  ['a document that is no text', { query: { $ne: null } }, 'QUERY_NOT_IN_SAFELIST'],
  ['an unknown hash', byHash(hashOf('{ a }')), 'PERSISTED_QUERY_NOT_IN_LIST'],
  [
    "an unknown hash, though with that hash's text",
    { query: '{ a }', ...byHash(hashOf('{ a }')) },
    'PERSISTED_QUERY_NOT_IN_LIST',
  ],
  ['what every object has', { documentId: 'constructor' }, 'PERSISTED_QUERY_NOT_IN_LIST'],
  ['a hash that is no text', byHash({ $ne: null }), 'QUERY_NOT_IN_SAFELIST'],
])('with persisted documents, %s is refused', (_, request, code) => {
  expect(outcome(request, documents)).toBe(code);
});

test('without them any text is taken, and an id alone is not', () => {
  expect(outcome({ query: '{ a }' })).toBe('{ a }');
  expect(outcome({ query: '{ a }', ...byHash(HASH) })).toBe('{ a }');
  expect(outcome(byHash(HASH))).toBe('PERSISTED_QUERY_NOT_SUPPORTED');
  expect(outcome({})).toBe('BAD_REQUEST');
});

test('the file is one JSON object of ids and texts, and its hashes are right', () => {
  expect(parsePersistedDocuments(JSON.stringify(documents))).toEqual(documents);
  for (const wrong of ['', '[]', '{"a": 1}', '{"": "{ a }"}', '{"a": ""}', JSON.stringify({ [HASH]: '{ other }' })])
    expect(() => parsePersistedDocuments(wrong), wrong).toThrow(/^persisted document/);
});
