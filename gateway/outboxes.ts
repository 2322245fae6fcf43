import { Gauge, type Registry } from 'prom-client';
import type { Health, HealthCheck } from './health.ts';
import { once } from './metrics.ts';

/** What is shown of an outbox, as `/health/ready` names it. */
const STATES = ['pending', 'unconfirmed', 'resent'] as const;

/**
 * Registers what waits in the services' outboxes: asked for when the metrics are, and left out for a service that does not
 * say.
 *
 * @param health the check of `/health/ready`; its parts' names, which are ours, become labels.
 */
export function outboxMetrics(registry: Registry, health: HealthCheck): void {
  once(
    registry,
    'outbox_events',
    name =>
      new Gauge({
        name,
        help: 'Events in outboxes: not relayed yet; relayed and not known to be in the lake; sent again for lack in the lake, ever.',
        labelNames: ['service', 'state'],
        registers: [registry],
        async collect() {
          const parts = await health().catch((): Health => ({}));
          this.reset();
          for (const [service, { outbox }] of Object.entries(parts)) {
            for (const state of STATES) {
              const count = (outbox as Record<string, unknown> | undefined)?.[state];
              if (typeof count === 'number') this.set({ service, state }, count);
            }
          }
        },
      }),
  );
}
