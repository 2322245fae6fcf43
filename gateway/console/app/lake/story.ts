/** The tree around an event, as it is loaded: up by itself, down as far as it is opened, and as the story goes on. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, gql } from '../client.ts';
import { asFailure, type Failure } from '../failure.ts';
import { useSubscription } from '../query.ts';
import { type Around, absorb, STEPS_UP_MAX, type Tree, wayTo } from './tree.ts';

export const AROUND = gql<{ event: Around | null }, { id: string; after: string | null }>(/* GraphQL */ `
  query Around($id: ID!, $after: String) {
    event(id: $id) {
      id type source subject time position causationId
      caused(first: 20, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { id type source subject time position causationId caused(first: 1) { totalCount } }
      }
    }
  }
`);

export const CONTINUED = gql<
  { eventStored: { id: string; position: number; causationId: string | null } },
  { correlation: string; after: number }
>(/* GraphQL */ `
  subscription StoryContinued($correlation: ID!, $after: Int) {
    eventStored(filter: { correlationId: $correlation }, after: $after) { id position causationId }
  }
`);

const GATHERED_MS = 250;

export type Story = {
  tree: Tree;
  open: ReadonlySet<string>;
  failure: Failure | undefined;
  /** A cause of what stands first, that was not asked for or that the lake does not have. */
  above: { id: string; missing: boolean } | null;
  loading: boolean;
  toggle(id: string): void;
  more(id: string): void;
  further(): void;
};

export function useStory(here: { id: string; position: number; correlationId: string | null }): Story {
  const { id, position, correlationId } = here;
  const [tree, setTree] = useState<Tree>(new Map());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set([id]));
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const [missing, setMissing] = useState<string | undefined>(undefined);
  const [loading, setLoading] = useState(true);
  const newest = useRef(tree);
  newest.current = tree;

  async function load(of: string, after: string | null = null): Promise<Around | null> {
    const { event } = await ask(AROUND, { id: of, after });
    if (event) {
      newest.current = absorb(newest.current, event);
      setTree(newest.current);
    }
    return event;
  }
  const attempt = (work: () => Promise<unknown>) => {
    setFailure(undefined);
    setLoading(true);
    work()
      .catch(thrown => setFailure(asFailure(thrown)))
      .finally(() => setLoading(false));
  };

  async function climb(from: string): Promise<void> {
    let next: string | null = from;
    for (let step = 0; next !== null && step < STEPS_UP_MAX; step++) {
      const event: Around | null = await load(next);
      if (!event) return setMissing(next);
      setOpen(before => new Set([...before, event.id]));
      next = event.causationId;
    }
  }

  useEffect(() => attempt(() => climb(id)), [id]);
  useContinuation({ correlationId, position }, causes => {
    const known = causes.filter(cause => newest.current.get(cause)?.asked);
    if (known.length > 0) void Promise.all(known.map(cause => load(cause))).catch(() => undefined);
  });

  const { above } = wayTo(tree, id);
  return {
    tree,
    open,
    failure,
    loading,
    above: above === null || tree.size === 0 ? null : { id: above, missing: above === missing },
    toggle(of) {
      const isOpen = open.has(of);
      setOpen(new Set(isOpen ? [...open].filter(other => other !== of) : [...open, of]));
      if (!isOpen && !tree.get(of)?.asked) attempt(() => load(of));
    },
    more: of => attempt(() => load(of, tree.get(of)?.more ?? null)),
    further: () => above !== null && attempt(() => climb(above)),
  };
}

/** Tells of the causes of what the lake stores of a story from an event on, some at a time. */
function useContinuation(
  { correlationId, position }: { correlationId: string | null; position: number },
  tell: (causes: string[]) => void,
): void {
  const gathered = useRef({ causes: new Set<string>(), timer: undefined as ReturnType<typeof setTimeout> | undefined });
  useEffect(() => () => clearTimeout(gathered.current.timer), []);
  useSubscription(
    CONTINUED,
    { correlation: correlationId ?? '', after: position },
    ({ eventStored: { causationId } }) => {
      const { causes, timer } = gathered.current;
      if (causationId === null) return;
      causes.add(causationId);
      if (timer !== undefined) return;
      gathered.current.timer = setTimeout(() => {
        gathered.current = { causes: new Set(), timer: undefined };
        tell([...causes]);
      }, GATHERED_MS);
    },
    { paused: correlationId === null },
  );
}
