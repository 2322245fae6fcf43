import type { Graph, GraphOptions } from './graph.ts';

const load = async (options: GraphOptions) => (await import('./graph.ts')).startGraph(options);

/**
 * Apollo's server and gateway from the first request on that goes by them: nearly none does, and to load and to start them is a good part
 * of what it takes the gateway to be ready.
 *
 * @param begin starts them.
 */
export function lazyGraph(
  options: Omit<GraphOptions, 'supergraphSdl'>,
  supergraphSdl: string,
  begin: (options: GraphOptions) => Promise<Graph> = load,
): Graph {
  let sdl = supergraphSdl;
  let started: Graph | undefined;
  let starting: Promise<Graph> | undefined;

  async function start(): Promise<Graph> {
    const begun = sdl;
    const graph = await begin({ ...options, supergraphSdl: begun });
    // What was taken into use meanwhile.
    if (sdl !== begun) graph.update(sdl);
    started = graph;
    return graph;
  }

  function graphNow(): Promise<Graph> {
    starting ??= start().catch(error => {
      starting = undefined;
      throw error;
    });
    return starting;
  }

  return {
    answer(request, response, next) {
      if (started) return started.answer(request, response, next);
      return graphNow().then(({ answer }) => answer(request, response, next), next);
    },
    update(next) {
      started?.update(next);
      sdl = next;
    },
    stop: async () => (await starting?.catch(() => undefined))?.stop(),
  };
}
