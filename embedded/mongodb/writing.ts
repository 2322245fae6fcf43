/** insert, update, delete, findAndModify: each statement atomic, each reply after its writes are on disk. */
import { type Collection, checkNamespace } from './catalog.ts';
import { pauses } from './cursor.ts';
import { deleteDocument, type Engine, insertDocument, updateDocument } from './documents.ts';
import { CommandError, fail } from './errors.ts';
import { checkFields, deadlineOf, document, documents, hintOf, sortOf, text } from './options.ts';
import { compileProjection } from './project.ts';
import { type Hit, type Query, type Run, runQuery } from './scan.ts';
import { changed, fromFilter, keepId, type Update, withId } from './update.ts';
import { type Doc, decode, encode, truthy, wholeNumber } from './values.ts';
import { compileUpdate } from './whole.ts';

/** Most statements in one command (MongoDB's `maxWriteBatchSize`). */
export const MAX_BATCH = 100_000;

/** Documents changed in one transaction at most, so that a large command does not keep others waiting. */
const CHUNK = 1000;

/** A command's work in steps: after each, one transaction may end and the next begin. */
type Work = Generator<void, void>;

/** Where a statement of a batch counts what it did. */
type Outcome = { n: number; modified: number; upserted: Doc[] };

/**
 * Tells every scan under way that time has passed between two transactions. `found` is the collection within one of them, in
 * which nobody else drops it.
 */
type Session = {
  engine: Engine;
  runs: Set<Run>;
  found: Collection | undefined;
  collection: (create: boolean) => Collection | undefined;
};

async function perform(engine: Engine, body: Doc, name: string, work: (session: Session) => Work): Promise<void> {
  const db = text(body.$db, '$db');
  checkNamespace(db, name);
  const session: Session = {
    engine,
    runs: new Set(),
    found: undefined,
    collection(create) {
      session.found ??= engine.catalog.find(db, name) ?? (create ? engine.catalog.create(db, name) : undefined);
      return session.found;
    },
  };
  const steps = work(session);
  const pause = pauses(deadlineOf(body));
  let done = false;
  while (!done) {
    done = await engine.storage.write(() => advance(steps, session));
    await pause();
  }
}

function advance(steps: Work, session: Session): boolean {
  session.found = undefined;
  for (const { lease } of session.runs) lease.stale = true;
  for (let i = 0; i < CHUNK; i++) if (steps.next().done) return true;
  return false;
}

/** Runs the statements of a batch, noting errors by position; the first ends an ordered batch. */
async function batch(
  engine: Engine,
  body: Doc,
  command: string,
  total: number,
  run: (session: Session, i: number, outcome: Outcome) => Work,
): Promise<Doc & Outcome> {
  if (total === 0 || total > MAX_BATCH) {
    fail('InvalidOptions', `Write batch sizes must be between 1 and ${MAX_BATCH}. Got ${total} operations.`);
  }
  const outcome: Outcome = { n: 0, modified: 0, upserted: [] };
  const writeErrors: Doc[] = [];
  const ordered = body.ordered === undefined || truthy(body.ordered);
  await perform(engine, body, text(body[command], command), function* (session) {
    for (let i = 0; i < total; i++) {
      try {
        yield* run(session, i, outcome);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        writeErrors.push({ index: i, code: error.code, errmsg: error.message, ...error.extra });
        if (ordered) return;
      }
    }
  });
  return Object.assign(outcome, writeErrors.length > 0 ? { writeErrors } : {});
}

export async function insert(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('insert', body, 'documents');
  const docs = Array.isArray(body.documents) ? body.documents : documents(body.documents, 'documents');
  const { n, writeErrors } = await batch(engine, body, 'insert', docs.length, function* (session, i, outcome) {
    const collection = session.collection(true);
    if (!collection) return;
    const doc: unknown = docs[i];
    insertDocument(engine, collection, doc instanceof Uint8Array ? doc : encode(document(doc, 'documents')));
    outcome.n++;
    yield;
  });
  return { n, ...(writeErrors ? { writeErrors } : {}) };
}

export async function update(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('update', body, 'updates', 'let');
  const updates = documents(body.updates, 'updates');
  const result = await batch(engine, body, 'update', updates.length, (session, i, outcome) =>
    updateOne(session, updates[i] ?? {}, i, outcome),
  );
  const { n, modified, upserted, writeErrors } = result;
  return {
    n,
    nModified: modified,
    ...(upserted.length > 0 ? { upserted } : {}),
    ...(writeErrors ? { writeErrors } : {}),
  };
}

function* updateOne(session: Session, statement: Doc, i: number, outcome: Outcome): Work {
  checkFields('update.updates', statement, 'q u multi upsert hint sort', 'collation arrayFilters c');
  const compiled = compileUpdate(statement.u);
  const multi = truthy(statement.multi);
  if (multi && compiled.replacement)
    fail('FailedToParse', 'multi update is not supported for replacement-style update');
  const query = statementQuery(statement, multi ? 0 : 1);
  let matched = 0;
  for (const { collection, hit } of hitsOf(session, query)) {
    if (hit) {
      matched++;
      outcome.n++;
      if (change(session.engine, collection, hit, compiled)) outcome.modified++;
    }
    yield;
  }
  if (matched > 0 || !truthy(statement.upsert)) return;
  const collection = session.collection(true);
  if (!collection) return;
  const { id } = upsert(session.engine, collection, query.filter, compiled);
  outcome.n++;
  outcome.upserted.push({ index: i, _id: id });
  yield;
}

function statementQuery(statement: Doc, limit: number): Query {
  const filter = document(statement.q, 'q');
  return { filter, sort: sortOf(statement.sort), skip: 0, limit, hint: hintOf(statement.hint) };
}

/** Each document once, however it moves in the index that is being scanned. Nothing if the collection is not there. */
function* hitsOf(session: Session, query: Query): Generator<{ collection: Collection; hit: Hit | undefined }> {
  const collection = session.collection(false);
  if (!collection) return;
  const run = runQuery(session.engine, collection, query);
  session.runs.add(run);
  const seen = new Set<string>();
  // By `_id`, which stays as it is, they come once.
  const repeats = query.limit !== 1 && (run.plan.kind === 'union' || run.plan.index !== undefined);
  // What a sort in memory has gathered would be out of date in a later transaction, so it is done within one.
  const pausing = run.plan.sorted || query.sort.length === 0;
  for (const hit of run.hits) {
    if (!hit && !pausing) continue;
    if (session.collection(false) !== collection) return;
    if (!hit || !repeats) {
      yield { collection, hit };
      continue;
    }
    const id = hit.idKey.toString('latin1');
    if (!seen.has(id)) yield { collection, hit };
    seen.add(id);
  }
  session.runs.delete(run);
}

/** @returns the document as it is then; undefined when nothing is changed. */
function change(engine: Engine, collection: Collection, hit: Hit, update: Update): Uint8Array | undefined {
  const { raw, names } = changed(hit.raw, update);
  return updateDocument(engine, collection, hit, raw, names) ? raw : undefined;
}

function upsert(engine: Engine, collection: Collection, filter: Doc, { change: apply, replacement }: Update) {
  const start = fromFilter(filter);
  const doc: Doc = replacement ? (start._id === undefined ? {} : { _id: start._id }) : start;
  const { _id } = doc;
  apply(doc, true);
  if (_id !== undefined) keepId(_id, doc);
  return insertDocument(engine, collection, encode(withId(doc)));
}

export async function remove(engine: Engine, body: Doc): Promise<Doc> {
  checkFields('delete', body, 'deletes', 'let');
  const deletes = documents(body.deletes, 'deletes');
  const { n, writeErrors } = await batch(engine, body, 'delete', deletes.length, function* (session, i, outcome) {
    const statement = deletes[i] ?? {};
    checkFields('delete.deletes', statement, 'q limit hint', 'collation');
    const limit = wholeNumber(statement.limit, 'limit');
    if (limit !== 0 && limit !== 1)
      fail('FailedToParse', `The limit field in delete objects must be 0 or 1. Got ${limit}`);
    for (const { collection, hit } of hitsOf(session, statementQuery(statement, limit))) {
      if (hit) {
        deleteDocument(engine, collection, hit);
        outcome.n++;
      }
      yield;
    }
  });
  return { n, ...(writeErrors ? { writeErrors } : {}) };
}

export async function findAndModify(engine: Engine, body: Doc): Promise<Doc> {
  const command = body.findandmodify === undefined ? 'findAndModify' : 'findandmodify';
  checkFields(command, body, 'query sort remove update new fields upsert hint', 'collation arrayFilters let');
  const removing = truthy(body.remove);
  if (removing && (body.update !== undefined || truthy(body.upsert) || truthy(body.new))) {
    fail('FailedToParse', "Cannot specify 'update', 'upsert' or 'new' along with 'remove'");
  }
  if (!removing && body.update === undefined) fail('FailedToParse', "Either an 'update' or 'remove' must be specified");
  const projection = compileProjection(body.fields);
  const shown = (doc: Doc | undefined) => (doc && projection ? projection(doc) : doc) ?? null;
  const compiled = removing ? undefined : compileUpdate(body.update);
  const query = {
    filter: document(body.query, 'query'),
    sort: sortOf(body.sort),
    skip: 0,
    limit: 1,
    hint: hintOf(body.hint),
  };
  let reply: Doc = {};
  await perform(engine, body, text(body[command], command), function* (session) {
    for (const { collection, hit } of hitsOf(session, query)) {
      if (hit) {
        reply = compiled ? modified(engine, collection, hit, compiled) : deleted(engine, collection, hit);
        return;
      }
      yield;
    }
    const collection = truthy(body.upsert) && compiled ? session.collection(true) : undefined;
    if (collection && compiled) reply = inserted(upsert(engine, collection, query.filter, compiled));
    else reply = { lastErrorObject: { n: 0, ...(compiled ? { updatedExisting: false } : {}) }, value: null };
  });

  function modified(on: Engine, collection: Collection, hit: Hit, how: Update): Doc {
    const after = change(on, collection, hit, how);
    const value = shown(decode((truthy(body.new) ? after : undefined) ?? hit.raw));
    return { lastErrorObject: { n: 1, updatedExisting: true }, value };
  }
  function deleted(on: Engine, collection: Collection, hit: Hit): Doc {
    const doc = hit.doc ?? decode(hit.raw);
    deleteDocument(on, collection, hit);
    return { lastErrorObject: { n: 1 }, value: shown(doc) };
  }
  function inserted({ id, raw }: ReturnType<typeof upsert>): Doc {
    const value = truthy(body.new) ? shown(decode(raw)) : null;
    return { lastErrorObject: { n: 1, updatedExisting: false, upserted: id }, value };
  }
  return reply;
}
