/**
 * Loaded before a process: `Date.now()` is behind by as many milliseconds as the file CLOCK_FILE says at the moment, and with it the
 * times of events. `new Date()` is right, and with it the lives of tokens.
 */
import { readFileSync } from 'node:fs';

const LOOK_MS = 5;
const rightNow = Date.now;
let [behindMs, lookedMs] = [0, Number.NEGATIVE_INFINITY];

Date.now = () => {
  if (performance.now() - lookedMs > LOOK_MS) {
    lookedMs = performance.now();
    behindMs = Number(readFileSync(process.env.CLOCK_FILE ?? '', 'utf8')) || 0;
  }
  return rightNow() - behindMs;
};
