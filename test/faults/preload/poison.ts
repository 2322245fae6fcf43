/**
 * Loaded before a service: its store of the event with the amount POISON_AMOUNT goes wrong. POISON says how: `throw`, as a
 * mistake in the code would; `crash`, which takes the process down; `once`, which throws the first time only; `never`.
 */
import { Collection } from 'mongodb';

type Call = (this: unknown, documents: unknown[], ...rest: unknown[]) => Promise<unknown>;

const { POISON: how, POISON_AMOUNT: amount } = process.env;
const needle = new RegExp(`"amountMinor":-?${amount}[,}]`);
let thrown = false;

for (const name of ['insertMany', 'bulkWrite']) {
  const methods = Collection.prototype as unknown as Record<string, Call>;
  const original = methods[name];
  if (!original) throw new Error(`there is no ${name} to wrap`);
  methods[name] = function (documents, ...rest) {
    const text = JSON.stringify(documents);
    // That it is set aside must work: a fault holds the event as well.
    const meant = needle.test(text) && !text.includes('"type":"fault"');
    if (!meant || how === 'never' || (how === 'once' && thrown)) {
      return original.call(this, documents, ...rest);
    }
    thrown = true;
    if (how === 'crash') process.kill(process.pid, 'SIGKILL');
    throw new Error(`poison: an amount of ${amount}`);
  };
}
