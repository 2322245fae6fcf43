/** `npm run remove-service -- loyalty`: takes a service out of the project, with all that `npm run new-service` wrote of it. */
import { parseArgs } from 'node:util';
import * as prompts from '@clack/prompts';
import { Cancelled, parsed, runCommand } from './scaffold/command.ts';
import { root } from './scaffold/plan.ts';
import { planRemoval } from './scaffold/removal.ts';
import { removeAll } from './scaffold/write.ts';

const USAGE = `usage: npm run remove-service -- NAME [--yes]

  NAME   of the service and of its folder in subgraphs/
  --yes  does not ask

Removes its folder with everything in it, the contracts of the events that it alone emits, and its places in docker-compose.yml
and deploy/. What the system has of it is kept; docs/ADD-A-SERVICE.md says how to take it out of a system that runs.
`;

function readArguments(args: readonly string[]) {
  const options = { yes: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parsed(() => parseArgs({ args: [...args], options, allowPositionals: true }), USAGE);
  const [name, ...more] = positionals;
  if (more.length > 0) throw new Error(`one service at a time: what is ${more.join(' ')}?`);
  const { yes = false, help = false } = values;
  return { name, yes, help };
}

/** What is removed may be nowhere else. */
async function assertWanted(what: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) throw new Error(`--yes is missing: it removes\n\n${what}`);
  const answer = await prompts.confirm({ message: `Remove these?\n${what}`, initialValue: false });
  if (answer !== true) throw new Cancelled();
}

const listed = (paths: Iterable<string>): string => [...paths].map(path => `  ${path}`).join('\n');

async function run(args: readonly string[]): Promise<void> {
  const { name, yes, help } = readArguments(args);
  if (help) return void process.stdout.write(USAGE);
  if (name === undefined) throw new Error(`the name of the service is missing\n\n${USAGE}`);
  const { removed, written, kept } = await planRemoval(name);
  if (!yes) await assertWanted(listed(removed));
  removeAll(root, removed, written);
  const stay = kept
    .map(type => `${type} was released: its contract stays, for whoever reads what was stored.\n`)
    .join('');
  process.stdout.write(`removed

${listed(removed)}

and left out of

${listed(written.keys())}

${stay}Start the system anew without it. Where it ran, unbind it then:

  mutation { unbind(service: "${name}") { name } }
`);
}

await runCommand(run, 'Nothing was removed.');
