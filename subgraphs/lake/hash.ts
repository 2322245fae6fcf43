import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Event } from '../../events/event.ts';

/** What the first event follows. */
export const GENESIS = '0'.repeat(64);

/**
 * SHA-256, in hexadecimal, over the hash before (as text) and the event as canonical JSON (RFC 8785).
 */
export function hashAfter(previous: string, event: Event): string {
  return createHash('sha256')
    .update(previous)
    .update(canonicalize(event) ?? '')
    .digest('hex');
}
