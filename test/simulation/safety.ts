/** What must hold at every moment, whatever goes wrong: looked at with every write of the simulated store. */
import type { Doc } from './documents.ts';
import type { Store } from './mongo.ts';
import type { World } from './world.ts';

export function createSafety(world: World, storeOf: () => Store) {
  let excepted = '';

  const checks: Record<string, (before: Doc | undefined, after: Doc | undefined) => string | undefined> = {
    'account.events': neverChanges,
    'transfer.events': neverChanges,
    'balance.events': (before, after) => neverChanges(before, after) ?? (before ? undefined : followsItsHead(after)),
    'lake.lake': (before, after) => neverChanges(before, after) ?? (before ? undefined : followsTheLake(after)),
    'account.accounts': onlyRises,
    'reporting.statistics': (before, after) => (before && after ? onlyRises(before, after) : undefined),
  };

  /** An event is a fact. */
  function neverChanges(before: Doc | undefined, after: Doc | undefined): string | undefined {
    if (!before) return undefined;
    if (!after) return `event ${before._id} was removed`;
    // An update shares what it does not change.
    const isSame = before.event === after.event || JSON.stringify(before.event) === JSON.stringify(after.event);
    return isSame ? undefined : `event ${before._id} was changed`;
  }

  function followsItsHead(row: Doc | undefined): string | undefined {
    if (!row?.chain) return undefined;
    const { version, amountMinor, balanceMinor } = (row.event as { data: Record<string, number> }).data;
    const head = [...storeOf().of('balance.events').rows.values()].find(
      other => other.chain === row.chain && other.version === Number(row.version) - 1,
    );
    if (row.version !== version) return `${row._id} has version ${row.version}, its event ${version}`;
    if (!head) return version === 1 && balanceMinor === amountMinor ? undefined : `${row._id} follows nothing`;
    const before = (head.event as { data: Record<string, number> }).data.balanceMinor ?? 0;
    return balanceMinor === before + Number(amountMinor)
      ? undefined
      : `${row._id}: ${before} + ${amountMinor} is not ${balanceMinor}`;
  }

  function followsTheLake(row: Doc | undefined): string | undefined {
    const size = storeOf().of('lake.lake').rows.size;
    return row?.version === size ? undefined : `position ${row?.version} was stored as number ${size}`;
  }

  function onlyRises(before: Doc | undefined, after: Doc | undefined): string | undefined {
    if (!before || !after) return undefined;
    if (Number(after.version) < Number(before.version)) {
      return `${after._id} went from version ${before.version} to ${after.version}`;
    }
    const [known, was] = [after.known, before.known] as ({ version: number } | undefined)[];
    return known && was && known.version < was.version ? `${after._id} knows less than before` : undefined;
  }

  return {
    /** To be told of every change. */
    watch(collection: string, before: Doc | undefined, after: Doc | undefined): void {
      const wrong =
        excepted !== '' && collection.startsWith(excepted) ? undefined : checks[collection]?.(before, after);
      if (wrong) world.fail(`${collection}: ${wrong}`);
    },
    /** From now on this service's rows may be missing, and come back in any order. */
    except(service: string): void {
      excepted = `${service}.`;
    },
  };
}
