type Call = (...args: unknown[]) => unknown;

/** What a method does instead, told what it does by itself and what it was called with. */
export type Meddling = (itself: Call, ...args: unknown[]) => unknown;

/** A collection of which some methods, by name, do something else: it fails, or somebody comes between. */
export function meddledWith<Target extends object>(
  collection: Target,
  methods: Readonly<Record<string, Meddling>>,
): Target {
  return new Proxy(collection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const itself: Call = value.bind(target);
      const other = typeof name === 'string' ? methods[name] : undefined;
      return other ? (...args: unknown[]) => other(itself, ...args) : itself;
    },
  });
}
