/** A collector of traces that keeps what it is sent: OTLP over HTTP, in JSON, on loopback. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const value = z.object({ stringValue: z.string().optional(), intValue: z.number().optional() });
const attributes = z.array(z.object({ key: z.string(), value })).default([]);
const body = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes,
              links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
              status: z.object({ code: z.number().optional(), message: z.string().optional() }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

export type CollectedSpan = {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  links: readonly { traceId: string; spanId: string }[];
  attributes: Readonly<Record<string, string | number | undefined>>;
  startedMs: number;
  endedMs: number;
  failed: boolean;
};

export type Collector = {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  /** All spans so far, in the order in which they came. */
  spans(): readonly CollectedSpan[];
  stop(): Promise<void>;
};

/** Starts a collector on any free port. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url !== '/v1/traces') return response.writeHead(404).end();
      spans.push(...spansIn(JSON.parse(Buffer.concat(chunks).toString())));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => spans,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spansIn(sent: unknown): CollectedSpan[] {
  return body.parse(sent).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(scope =>
      scope.spans.map(({ parentSpanId, startTimeUnixNano, endTimeUnixNano, status, ...span }) => ({
        ...{ name: span.name, traceId: span.traceId, spanId: span.spanId, links: span.links },
        service: String(read(resource.attributes)['service.name']),
        parentSpanId: parentSpanId || undefined,
        attributes: read(span.attributes),
        startedMs: Number(startTimeUnixNano) / 1e6,
        endedMs: Number(endTimeUnixNano) / 1e6,
        failed: status?.code === 2,
      })),
    ),
  );
}

const read = (all: z.infer<typeof attributes>): Record<string, string | number | undefined> =>
  Object.fromEntries(all.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
