/** What the MongoDB driver's own module exports, as far as it is needed here; it has no types. */
declare module 'mongodb/lib/cmap/connection.js' {
  type WriteCommand = (this: object, command: object, options: object) => Promise<void>;
  export const Connection: { prototype: { writeCommand: WriteCommand } };
}
