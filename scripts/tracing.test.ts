import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPlace, untraced } from '../events/tracing.ts';
import { type Collector, startCollector } from '../test/collector.ts';
import { readConfig } from './config.ts';
import { startTracing } from './tracing.ts';

const log = pino({ level: 'silent' });
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.stop());

const tracing = (env: NodeJS.ProcessEnv = {}) =>
  startTracing(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env }), log);

test('without an endpoint nobody looks, and nothing of OpenTelemetry’s SDK is loaded', async () => {
  const { tracerOf, stop } = await startTracing(readConfig({}), log);
  expect(tracerOf('account')).toBe(untraced);
  await stop();
});

describe('with an endpoint', () => {
  test('each service has its own name, and a failure is one', async () => {
    const { tracerOf, stop } = await tracing();
    const root = tracerOf('gateway').begin('ask', { kind: 'server' });
    tracerOf('account').begin('answer', { parent: root.place }).end(new Error('no'));
    root.end();
    await stop();
    const { traceId = '' } = readPlace(root.place) ?? {};
    const spans = collector.spans().filter(span => span.traceId === traceId);
    expect(spans.map(({ service, name, failed }) => [service, name, failed])).toEqual(
      expect.arrayContaining([
        ['gateway', 'ask', false],
        ['account', 'answer', true],
      ]),
    );
  });

  test('of a trace that is not kept nothing is, whoever is asked for more of it', async () => {
    const { tracerOf, stop } = await tracing({ OTEL_TRACES_SAMPLER_ARG: '0' });
    const before = collector.spans().length;
    const root = tracerOf('gateway').begin('ask');
    root.end();
    tracerOf('account')
      .begin('answer', { parent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` })
      .end();
    await stop();
    expect([root.place, collector.spans().length - before]).toEqual([undefined, 0]);
  });

  test('the address of a trace is made of its id', async () => {
    const { tracerOf, stop } = await tracing({ OTEL_TRACE_URL: 'https://traces.example/{traceId}?x' });
    expect(tracerOf('lake').addressOf('abc')).toBe('https://traces.example/abc?x');
    await stop();
    expect(() => readConfig({ OTEL_TRACE_URL: 'https://traces.example/' })).toThrow(/OTEL_TRACE_URL: must have/);
    expect(() => readConfig({ OTEL_TRACES_SAMPLER_ARG: '7' })).toThrow(/OTEL_TRACES_SAMPLER_ARG: must be 1 or less/);
  });

  test('a collector that is away keeps nobody waiting', async () => {
    const { tracerOf, stop } = await tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    tracerOf('gateway').begin('ask').end();
    // A timer of 4 s is as late as all else where the machine is busy.
    const kept = await Promise.race([stop(), delay(4_000, 'kept waiting')]);
    expect(kept).toBeUndefined();
  });
});
