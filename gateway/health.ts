import { setTimeout as delay } from 'node:timers/promises';
import { type Request, type Response, Router } from 'express';

/** How a part is. `degraded`: it is not well, but mutations are acknowledged and queries answered. */
export type PartState = 'ok' | 'degraded' | 'down';

/**
 * The parts by name, each with its state and whatever else may be shown to anyone. One that is `spared` may be down without
 * the whole being so: mutations are acknowledged without it.
 */
export type Health = Record<string, { state: PartState; spared?: true; [detail: string]: unknown }>;

export type HealthCheck = () => Promise<Health>;

const CHECK_TIMEOUT_MS = 3_000;

/**
 * `/health/live`: 200 as long as the process answers. `/health/ready`: 200, or 503 when a part is down that is not
 * spared, the check takes too long or the process is stopping; JSON that names each part either way.
 */
export function healthRoutes(check: HealthCheck, stopping: () => boolean): Router {
  return Router()
    .get('/health/live', (_request: Request, response: Response) => {
      response.json({ status: 'ok' });
    })
    .get('/health/ready', async (_request: Request, response: Response) => {
      const parts = await inTime(check);
      const status = stopping() ? 'down' : worst(parts);
      response.status(status === 'down' ? 503 : 200).json({ status, ...(stopping() && { stopping: true }), parts });
    });
}

function worst(parts: Health): PartState {
  const all = Object.values(parts);
  if (all.some(({ state, spared }) => state === 'down' && !spared)) return 'down';
  return all.every(({ state }) => state === 'ok') ? 'ok' : 'degraded';
}

async function inTime(check: HealthCheck): Promise<Health> {
  const timer = new AbortController();
  const late = delay<Health>(CHECK_TIMEOUT_MS, { health: { state: 'down', reason: 'the check took too long' } }, timer);
  try {
    return await Promise.race([check(), late]);
  } catch {
    return { health: { state: 'down', reason: 'the check failed' } };
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}
