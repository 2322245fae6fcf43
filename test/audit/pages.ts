/** Reads a list of the public API to its end. */

export type Page<Node> = { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

/** What a query asks of each page. */
export const MORE = 'pageInfo { hasNextPage endCursor }';

/** The nodes of a list, page after page. @throws Error when a list does not come to an end. */
export async function* nodesOf<Node>(load: (after: string | null) => Promise<Page<Node>>): AsyncGenerator<Node> {
  let after: string | null = null;
  for (;;) {
    const { nodes, pageInfo }: Page<Node> = await load(after);
    yield* nodes;
    if (!pageInfo.hasNextPage) return;
    if (nodes.length === 0 || pageInfo.endCursor === after) throw new Error('a list whose pages do not end');
    after = pageInfo.endCursor;
  }
}

export async function collect<Node, Item>(nodes: AsyncIterable<Node>, itemOf: (node: Node) => Item): Promise<Item[]> {
  const items: Item[] = [];
  for await (const node of nodes) items.push(itemOf(node));
  return items;
}
