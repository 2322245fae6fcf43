/**
 * Loaded before a program (`--import`, also by NODE_OPTIONS, where `--cpu-prof` is not allowed): writes what `--cpu-prof` writes to
 * the file that BENCH_PROFILE names, when the process ends. SIGWINCH makes it begin anew, so that a start or a warm-up is left out.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const file = process.env.BENCH_PROFILE;
if (file) {
  // Not for processes that this one starts.
  delete process.env.BENCH_PROFILE;
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('SIGWINCH', () => {
    session.post('Profiler.stop');
    session.post('Profiler.start');
  });
  // A session with its own process answers before `post` returns.
  process.once('exit', () => {
    session.post('Profiler.stop', (error, answer) => {
      if (!error) writeFileSync(file, JSON.stringify(answer.profile));
    });
  });
}
