/** Many requests to a running system, some at a time; what is wrong with an answer is made as small as it can be. */
import fc, { type Arbitrary } from 'fast-check';
import { type Answer, type Judge, judge } from './answers.ts';
import { type Door, openDoor } from './client.ts';
import { operationsOf } from './grammar.ts';
import { poolOf } from './pool.ts';
import { type Request, requestsOf } from './requests.ts';
import { clientSchema } from './schema.ts';
import { valuesFrom } from './values.ts';

export type Finding = {
  /** The request again: the seed, and its place among those of the seed. */
  seed: number;
  at: number;
  request: Request;
  wrong: readonly string[];
  /** The least of it that goes wrong as well; undefined when alone it does not. */
  smallest: { request: Request; wrong: readonly string[] } | undefined;
};

export type Sum = {
  done: number;
  /** With data; with nothing but what resolvers refused; with nothing since nothing ran; not at all, for a while. */
  answered: number;
  failed: number;
  refused: number;
  silent: number;
  /** One of each kind; and all that may have ended the system. */
  findings: Finding[];
};

export type FuzzOptions = {
  /** Of the system. */
  url: string;
  seed: number;
  /** The first request of the seed, and how many. */
  from: number;
  count: number;
  /** A slow machine does fewer. */
  withinMs: number;
  onProgress?: (sum: Sum) => void;
};

const AT_A_TIME = 8;
/** So many are enough to look at. */
const KINDS_MAX = 5;
/** What of a text says which kind it is. */
const KIND_CHARS_MAX = 200;
const SHRINK_MS = 40_000;
/** fast-check's: every chance is the one that the grammar says. */
const UNBIASED = { unbiased: true } as const;

/** @throws when the system cannot be prepared. */
export async function fuzz({ url, seed, from, count, withinMs, onProgress }: FuzzOptions): Promise<Sum> {
  const deadlineMs = performance.now() + withinMs;
  const schema = clientSchema();
  const requests = requestsOf(operationsOf(schema, valuesFrom(await poolOf(url))));
  const door = await openDoor(url);
  const wrongWith = judge(schema);
  const sum: Sum = { done: 0, answered: 0, failed: 0, refused: 0, silent: 0, findings: [] };
  const waiting = fc
    .sample(requests, { ...UNBIASED, seed, numRuns: from + count })
    .slice(from)
    .entries();
  const kinds = new Set<string>();

  let gone = false;
  const found = (index: number, request: Request, wrong: readonly string[]) =>
    sum.findings.push({ seed, at: from + index, request, wrong, smallest: undefined });

  async function work(): Promise<void> {
    for (const [index, request] of waiting) {
      const answer = await door.send(request);
      const wrong = distinct(wrongWith(request, answer));
      sum.done++;
      sum[outcomeOf(answer)]++;
      onProgress?.(sum);
      const [first] = wrong;
      if (first && !(await door.isOpen())) {
        // It was one of those that were on their way.
        gone = true;
        found(index, request, [...wrong, GONE]);
      } else if (first && !kinds.has(kindOf(first))) {
        kinds.add(kindOf(first));
        found(index, request, wrong);
      }
      if (gone || kinds.size >= KINDS_MAX || performance.now() > deadlineMs) return;
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  for (const finding of gone ? [] : sum.findings) {
    finding.smallest = await shrink(requests, finding, door, wrongWith);
  }
  await door.close();
  return sum;
}

/** The same for texts that differ in ids and numbers only. */
const kindOf = (text: string) => text.replaceAll(/[\da-f]{8}-[\da-f-]{27}|\d+/g, '#').slice(0, KIND_CHARS_MAX);

/** The first of each kind. */
export const distinct = (texts: readonly string[]): string[] =>
  [...new Map(texts.toReversed().map(text => [kindOf(text), text])).values()].toReversed();

function outcomeOf(answer: Answer): 'answered' | 'failed' | 'refused' | 'silent' {
  const given = answer.over === 'http' ? answer.text : answer.over === 'socket' ? JSON.stringify(answer.results) : '[]';
  if (given === '[]') return 'silent';
  if (/"data":\{/.test(given)) return 'answered';
  return /"path":\[/.test(given) ? 'failed' : 'refused';
}

async function shrink(
  requests: Arbitrary<Request>,
  { seed, at }: Finding,
  door: Door,
  wrongWith: Judge,
): Promise<Finding['smallest']> {
  let smallest: Finding['smallest'];
  const property = fc.asyncProperty(requests, async request => {
    const wrong = distinct(wrongWith(request, await door.send(request)));
    if (wrong.length === 0) return;
    smallest = { request, wrong };
    throw new Error('wrong');
  });
  await fc.check(property, { ...UNBIASED, seed, path: `${at}`, numRuns: 1, interruptAfterTimeLimit: SHRINK_MS });
  return smallest;
}

const GONE = 'the system is gone: this or what is told beside it has ended it';
const NOT_ALONE = 'Alone it does not go wrong again: it took what was asked before it or beside it.';
const SHOWN_CHARS_MAX = 3_000;

/** A finding for whoever looks into it. */
export function told({ seed, at, request, wrong, smallest }: Finding): string {
  return [
    `seed ${seed}, request ${at}: ${wrong.join('; ')}`,
    shown(request),
    ...(smallest ? [`The least that goes wrong: ${smallest.wrong.join('; ')}`, shown(smallest.request)] : []),
    ...(smallest || wrong.includes(GONE) ? [] : [NOT_ALONE]),
    `Again: npm run fuzz -- --seed ${seed} --from ${at} --count 1`,
  ].join('\n');
}

function shown({ as, over, accept, body }: Request): string {
  const text = JSON.stringify(body, null, 2);
  const cut = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)} … (${text.length} characters)` : text;
  return `${as} over ${over}${over === 'http' ? ` (accept: ${accept})` : ''}\n${cut}`;
}
