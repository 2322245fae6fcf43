import { createRequire } from 'node:module';
import type { RequestHandler } from 'express';
import type { BrowsedQueue } from '../../events/browse.ts';
import { formatData, formatName, lakePage, readJob } from './display.ts';

/** bull-board, with queues to show. */
export type Board = {
  /** These and no others. */
  show(queues: readonly BrowsedQueue[]): void;
  handle: RequestHandler;
};

/** Where the page of a job's events is. */
export const eventsPage = (queue: string, job: string): string =>
  `/queues/events/${encodeURIComponent(queue)}/${encodeURIComponent(job)}`;

/**
 * Loads bull-board; not before somebody looks, since most processes never show it.
 *
 * @param basePath where it is mounted.
 */
export async function loadBoard({ basePath, writable }: { basePath: string; writable: boolean }): Promise<Board> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const serverAdapter = new ExpressAdapter().setBasePath(basePath);
  const board = createBullBoard({
    queues: [],
    serverAdapter,
    options: {
      uiBasePath: createRequire(import.meta.url)
        .resolve('@bull-board/ui/package.json')
        .replace(/package\.json$/, ''),
      uiConfig: {
        boardTitle: 'Tributary queues',
        boardLogo: { path: 'files/icon.svg', width: 24, height: 24 },
        favIcon: { default: 'files/icon.svg', alternative: 'static/favicon-32x32.png' },
        hideDocsLink: true,
        // It would ask Redis for all of its clients with every look.
        showWorkers: false,
        showMetrics: false,
        sortQueues: true,
        locale: { lng: 'en-US' },
        miscLinks: [
          { text: 'Console', url: '/' },
          { text: 'Playground', url: '/graphiql' },
        ],
        environment: writable
          ? { label: 'can be changed', color: '#a86500', textColor: '#fff' }
          : { label: 'read-only', color: '#5a6a7e', textColor: '#fff' },
      },
    },
  });
  // It would tell the browser what the error says; here errors go to those who mask them.
  serverAdapter.setErrorHandler(error => {
    throw error;
  });
  const app = serverAdapter.getRouter();
  app.disable('x-powered-by');
  const adapters = new WeakMap<BrowsedQueue, InstanceType<typeof BullMQAdapter>>();

  function adapterOf(browsed: BrowsedQueue) {
    const { service, partition, partitions, queue } = browsed;
    const known = adapters.get(browsed);
    if (known) return known;
    const adapter = new BullMQAdapter(queue, {
      readOnlyMode: !writable,
      displayName: partitions === 1 ? service : `${service} ${partition + 1} of ${partitions}`,
      description: `Events that wait for ${service}.`,
      externalJobUrl({ id, data }) {
        const { events } = readJob(data);
        const [only] = events;
        if (events.length === 1 && only) return { displayText: 'In the lake', href: lakePage(only.id) };
        return { displayText: `Its ${events.length} events`, href: eventsPage(queue.name, String(id)) };
      },
    });
    adapter.setFormatter('data', formatData);
    adapter.setFormatter('name', formatName);
    adapters.set(browsed, adapter);
    return adapter;
  }

  return {
    show: queues => board.replaceQueues(queues.map(adapterOf)),
    handle: app,
  };
}
