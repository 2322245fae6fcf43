/** What the commands that add and remove a service share: how they read their arguments, and how they end. */

/** Somebody does not want to after all. */
export class Cancelled extends Error {}

/** @throws with how it is used where the command line is not understood. */
export function parsed<Value>(parse: () => Value, usage: string): Value {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${usage}`);
  }
}

/**
 * Runs a command that does all or nothing.
 *
 * @param nothing what is said when it fails or is cancelled, besides why.
 */
export async function runCommand(run: (args: readonly string[]) => Promise<void>, nothing: string): Promise<void> {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    process.exitCode = 1;
    const message = error instanceof Cancelled ? 'Cancelled.' : (error as Error).message;
    process.stderr.write(`${message.trimEnd()}\n\n${nothing}\n`);
  }
}
