/** Loaded before a process: its wall clock is off by CLOCK_OFFSET_MS. The monotonic clock is not. */
const offsetMs = Number(process.env.CLOCK_OFFSET_MS ?? 0);
const Right = Date;
const now = () => Right.now() + offsetMs;

globalThis.Date = new Proxy(Right, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});
