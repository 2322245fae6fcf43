/** The log of a process: a level that can be changed while it runs. */
import { type Logger, pino } from 'pino';

/**
 * Makes a process tell more: debug, then trace, then what LOG_LEVEL says again. (Node's own use of it, to start a debugger, is not
 * to be had while the process listens for it; SIGUSR2 is the gateway's.)
 */
export const LEVEL_SIGNAL = 'SIGUSR1';

const LOUDER = ['debug', 'trace'] as const;

/** @param level of LOG_LEVEL; LEVEL_SIGNAL changes it, for the children of the log as well. */
export function createLog(level: string): Logger {
  const pretty = {
    target: 'pino-pretty',
    options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', singleLine: true },
  };
  const children = familyOf();
  const log = pino({
    level,
    redact: ['*.token', '*.authorization'],
    onChild: children.add,
    ...(process.stdout.isTTY && { transport: pretty }),
  });
  const levels = [level, ...LOUDER.filter(louder => pinoValue(louder) < pinoValue(level))];
  let at = 0;
  process.on(LEVEL_SIGNAL, () => {
    const before = levels[at] ?? level;
    at = (at + 1) % levels.length;
    const next = levels[at] ?? level;
    // The line is to be seen under one of the two levels at least.
    const [louder, quieter] = pinoValue(next) < pinoValue(before) ? [next, before] : [before, next];
    log.level = louder;
    if (quieter !== 'silent' || louder !== 'silent')
      log[louder as 'info']({ now: next }, `${LEVEL_SIGNAL}: the log is at ${next} now`);
    log.level = next;
    children.each(child => {
      // One that was made quieter, or louder, than its parent has its reasons.
      if (child.level === before) child.level = next;
    });
  });
  return log;
}

const pinoValue = (level: string): number => pino.levels.values[level] ?? Number.POSITIVE_INFINITY;

/** A child has a level of its own from when it is made; all that live are held, weakly. */
function familyOf() {
  const family = new Set<WeakRef<Logger>>();
  const gone = new FinalizationRegistry<WeakRef<Logger>>(reference => family.delete(reference));
  return {
    add(child: Logger): void {
      const reference = new WeakRef(child);
      family.add(reference);
      gone.register(child, reference);
    },
    each(tell: (child: Logger) => void): void {
      for (const reference of family) {
        const child = reference.deref();
        if (child) tell(child);
      }
    },
  };
}
