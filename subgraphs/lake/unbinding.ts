/** Unbinding: taking a service out of the system for good. Its databases are kept; bound again, it is seeded anew. */
import type { Binding, Bindings } from '../../events/binding.ts';
import { type Clock, timestamp } from '../../events/clock.ts';
import { LAKE } from '../../events/reconciler.ts';
import type { Transport } from '../../events/transport.ts';
import { clientError } from '../../schema/errors.ts';
import type { Replays } from './replay.ts';
import type { Retired } from './retired.ts';
import type { Schedules } from './schedule.ts';

/** A relay that runs has looked at the bindings by then; what a slower one sends stays in Redis, and does no harm. */
const RELAYS_KNOW_MS = 3_000;

/** A process that was killed is counted for 3 s after its last word, and says one a second while it runs. */
const KILLED_UNCOUNTED_MS = 4_000;
const LOOK_AGAIN_MS = 200;

/** How many processes of a service run. Waits while they may be some that were stopped just now. */
async function running(
  { transport, clock }: { transport: Pick<Transport, 'look'>; clock: Clock },
  service: string,
): Promise<number> {
  const deadlineMs = clock.monotonic() + KILLED_UNCOUNTED_MS;
  for (;;) {
    const { members } = await transport.look(service);
    if (members.length === 0 || clock.monotonic() >= deadlineMs) return members.length;
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

/** Services other than the lake that consume what a service emits and no other one does: pure. */
export function dependents({ _id, emits }: Binding, all: readonly Binding[]): string[] {
  const others = all.filter(other => other._id !== _id && other._id !== LAKE);
  const only = emits.filter(type => !others.some(other => other.emits.includes(type)));
  return others.filter(({ consumes }) => consumes.some(type => only.includes(type))).map(other => other._id);
}

/**
 * Unbinds a service: nothing is sent to it any more, its replays are cancelled, its reconciliations come round no
 * more, and its queues are removed. What it has emitted is known for ever.
 *
 * @throws BAD_USER_INPUT for an unknown service, the lake, one whose events others consume and get from nobody else, and one that
 *   runs: it would be sent nothing, and not know; nothing is changed then.
 */
export async function unbind(
  options: {
    replays: Replays;
    schedules: Pick<Schedules, 'forget'>;
    bindings: Bindings;
    retired: Pick<Retired, 'note'>;
    transport: Transport;
    clock: Clock;
  },
  service: string,
): Promise<void> {
  const { replays, schedules, bindings, retired, transport, clock } = options;
  if (service === LAKE) throw clientError('BAD_USER_INPUT', 'service: the lake keeps every event, and stays bound.');
  const binding = await replays.bindingOf(service);
  const needed = dependents(binding, await bindings.all());
  if (needed.length > 0) {
    throw clientError(
      'BAD_USER_INPUT',
      `service: "${service}" emits what others consume; unbind them first: ${needed.sort().join(', ')}.`,
    );
  }
  const processes = await running({ transport, clock }, service);
  if (processes > 0) {
    const they = processes === 1 ? '1 process: stop it' : `${processes} processes: stop them`;
    throw clientError('BAD_USER_INPUT', `service: "${service}" is running in ${they} first.`);
  }
  await retired.note(binding);
  await bindings.unbind(service);
  await replays.rows.updateMany(
    { service, status: { $in: ['PLANNED', 'RUNNING'] } },
    { $set: { status: 'CANCELLED', finishedAt: timestamp(clock.now()) } },
  );
  await schedules.forget(service);
  await clock.sleep(RELAYS_KNOW_MS);
  await transport.remove(service);
}
