/** Holds a running system to its invariants, as `npm run audit` does. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SECRET } from '../token.ts';
import type { System } from '../way/system.ts';

const SHOWN_CHARS = 2_000;
const WITHIN_MS = 900_000;

/** @returns what is not true; empty when all is. */
export function audit(system: Pick<System, 'url'>): string[] {
  const script = fileURLToPath(new URL('../../test/audit.ts', import.meta.url));
  const env = { ...process.env, AUTH_SECRET: SECRET };
  const args = ['--import', 'tsx', script, '--url', system.url, '--json', '--wait', '120'];
  try {
    execFileSync(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: WITHIN_MS });
    return [];
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    return [`${stdout ?? ''}`.slice(0, SHOWN_CHARS) || `${stderr ?? error}`.slice(-SHOWN_CHARS)];
  }
}
