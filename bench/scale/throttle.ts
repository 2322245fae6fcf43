/** Processes with a part of a core each: whoever has had more stands still until it has not, as with a limit of Kubernetes'. */
import { cpuAlone } from '../measure.ts';

const LOOK_MS = 5;
/** What nobody used cannot be saved up for later. */
const SAVED_MAX_MS = 50;

/** @param part of a core; 1 leaves them alone. @returns how they are let go. */
export function throttle(pids: readonly number[], part: number): () => void {
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  if (part >= 1) return () => undefined;
  let lookedMs = performance.now();
  const all = pids.map(pid => ({ pid, usedMs: cpuAlone(pid), leftMs: 0, isStopped: false }));
  const looks = setInterval(() => {
    const nowMs = performance.now();
    for (const each of all) {
      const usedMs = cpuAlone(each.pid);
      each.leftMs = Math.min(SAVED_MAX_MS, each.leftMs + (nowMs - lookedMs) * part - (usedMs - each.usedMs));
      each.usedMs = usedMs;
      if (each.isStopped === each.leftMs < 0) continue;
      each.isStopped = !each.isStopped;
      process.kill(each.pid, each.isStopped ? 'SIGSTOP' : 'SIGCONT');
    }
    lookedMs = nowMs;
  }, LOOK_MS);
  return () => {
    clearInterval(looks);
    for (const { pid } of all) process.kill(pid, 'SIGCONT');
  };
}
