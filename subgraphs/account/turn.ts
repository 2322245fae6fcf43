/** Work of one process on one account at a time, in the order in which it was asked for; on others meanwhile. */
export type Turns = <Result>(accountId: string, work: () => Promise<Result>) => Promise<Result>;

/**
 * Whoever looks what an account has, and decides by that, is not overtaken by others of the same process between the look and the
 * record. Other processes may still be in between.
 */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();

  return (accountId, work) => {
    const before = last.get(accountId);
    const mine = before ? before.then(work, work) : work();
    const leave = () => {
      if (last.get(accountId) === mine) last.delete(accountId);
    };
    last.set(accountId, mine);
    mine.then(leave, leave);
    return mine;
  };
}
