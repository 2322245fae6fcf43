/** explain: which index a command would use and, unless only the plan is asked for, how much a run looks at. */
import { parseAggregate } from './aggregate.ts';
import { type Collection, type Index, namespace } from './catalog.ts';
import { drain } from './cursor.ts';
import { fail } from './errors.ts';
import { checkFields, deadlineOf, document, documents, hintOf, sortOf, text } from './options.ts';
import type { Plan, Scan, SortKey } from './plan.ts';
import { parseCount, parseDistinct, parseFind, type Reader } from './reading.ts';
import { type Query, runQuery } from './scan.ts';
import type { Doc } from './values.ts';

type Target = { collection: Collection | undefined; query: Query; stages?: Doc[] };

export async function explain(reader: Reader, body: Doc): Promise<Doc> {
  checkFields('explain', body, 'verbosity');
  const command: Doc = { ...document(body.explain, 'explain'), $db: body.$db };
  const [name = ''] = Object.keys(command);
  const { collection, query, stages = [] } = targetOf(reader, name, command);
  const run = collection && runQuery(reader, collection, query);
  const ns = collection ? namespace(collection) : `${text(body.$db, '$db')}.${command[name]}`;
  const winningPlan = run ? planDoc(run.plan, query.sort) : { stage: 'EOF' };
  const report: Doc = { queryPlanner: { namespace: ns, winningPlan, rejectedPlans: [] } };
  if (body.verbosity !== 'queryPlanner') {
    const started = performance.now();
    let nReturned = 0;
    if (run) await drain(run.hits, run.lease, deadlineOf(body), () => nReturned++);
    const examined = { totalKeysExamined: run?.stats.keys ?? 0, totalDocsExamined: run?.stats.docs ?? 0 };
    const executionTimeMillis = Math.round(performance.now() - started);
    report.executionStats = { executionSuccess: true, nReturned, executionTimeMillis, ...examined };
  }
  return stages.length > 0 ? { stages: [{ $cursor: report }, ...stages] } : report;
}

function targetOf(reader: Reader, name: string, command: Doc): Target {
  switch (name) {
    case 'find':
      return parseFind(reader, command);
    case 'count':
      return parseCount(reader, command);
    case 'distinct':
      return parseDistinct(reader, command);
    case 'aggregate':
      return parseAggregate(reader, command);
    case 'update':
      return statement(reader, command, name, documents(command.updates, 'updates')[0]);
    case 'delete':
      return statement(reader, command, name, documents(command.deletes, 'deletes')[0]);
    case 'findAndModify':
      return statement(reader, command, name, { ...command, q: command.query, limit: 1 });
    default:
      return fail('CommandNotFound', `Explain failed due to unknown command: ${name}`);
  }
}

function statement({ catalog }: Reader, command: Doc, name: string, spec: Doc = {}): Target {
  const limit = spec.multi === true || String(spec.limit) === '0' ? 0 : 1;
  const query = { filter: document(spec.q, 'q'), sort: sortOf(spec.sort), skip: 0, limit, hint: hintOf(spec.hint) };
  return { collection: catalog.find(text(command.$db, '$db'), text(command[name], name)), query };
}

function planDoc(plan: Plan, sort: SortKey): Doc {
  const found =
    plan.kind === 'scan'
      ? scanDoc(plan)
      : { stage: 'FETCH', inputStage: { stage: 'OR', inputStages: plan.scans.map(keysDoc) } };
  return plan.sorted || sort.length === 0
    ? found
    : { stage: 'SORT', sortPattern: Object.fromEntries(sort), inputStage: found };
}

function scanDoc(scan: Scan): Doc {
  if (scan.merged && scan.ranges.length > 1) {
    return { stage: 'FETCH', inputStage: { stage: 'SORT_MERGE', inputStages: scan.ranges.map(() => keysDoc(scan)) } };
  }
  if (scan.index || scan.bounded) return { stage: 'FETCH', inputStage: keysDoc(scan) };
  return { stage: 'COLLSCAN', direction: scan.reverse ? 'backward' : 'forward' };
}

function keysDoc({ index, reverse }: Scan): Doc {
  const { name, key, unique, sparse }: Pick<Index, 'name' | 'key' | 'unique' | 'sparse'> = index ?? {
    name: '_id_',
    key: [['_id', 1]],
    unique: true,
    sparse: false,
  };
  const isMultiKey = index?.multikey.some(Boolean) ?? false;
  const direction = reverse ? 'backward' : 'forward';
  return {
    stage: 'IXSCAN',
    keyPattern: Object.fromEntries(key),
    indexName: name,
    isMultiKey,
    isUnique: unique,
    isSparse: sparse,
    direction,
  };
}
