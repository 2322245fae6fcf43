import type { Registry } from 'prom-client';
import { gaugeOf } from '../schema/metrics.ts';
import type { Health, HealthCheck } from './health.ts';

/** What is shown of an outbox, as `/health/ready` names it. */
const STATES = ['pending', 'unconfirmed', 'resent'] as const;

/**
 * Registers what waits in the services' outboxes: asked for when the metrics are, and left out for a service that does not
 * say.
 *
 * @param health the check of `/health/ready`; its parts' names, which are ours, become labels.
 */
export function outboxMetrics(registry: Registry, health: HealthCheck): void {
  let asking: Promise<Health> | undefined;
  // One question for both gauges.
  const parts = (): Promise<Health> => {
    asking ??= health()
      .catch((): Health => ({}))
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const numberIn = (outbox: unknown, name: string): number | undefined => {
    const value = (outbox as Record<string, unknown> | undefined)?.[name];
    return typeof value === 'number' ? value : undefined;
  };
  gaugeOf(registry, 'outbox_events', async gauge => {
    const shown = await parts();
    gauge.reset();
    for (const [service, { outbox }] of Object.entries(shown)) {
      for (const state of STATES) {
        const count = numberIn(outbox, state);
        if (count !== undefined) gauge.set({ service, state }, count);
      }
    }
  });
  gaugeOf(registry, 'outbox_oldest_seconds', async gauge => {
    const shown = await parts();
    gauge.reset();
    for (const [service, { outbox }] of Object.entries(shown)) {
      const seconds = numberIn(outbox, 'oldestSeconds');
      if (seconds !== undefined) gauge.set({ service }, seconds);
    }
  });
}
