/** `npm run new-service -- loyalty --consumes deposited --emits points-earned`: a service of one's own, in one folder. */
import { parseArgs } from 'node:util';
import * as prompts from '@clack/prompts';
import { Cancelled, parsed, runCommand } from './scaffold/command.ts';
import { knownNow, planFiles, root } from './scaffold/plan.ts';
import { consumesProblems, emitsProblems, type Known, nameProblems, problemsOf, type Wish } from './scaffold/wish.ts';
import { writeAll } from './scaffold/write.ts';

const USAGE = `usage: npm run new-service -- NAME --consumes TYPE[,TYPE…] [--emits TYPE[,TYPE…]]

  NAME        of the service and of its folder in subgraphs/: lower-case, such as loyalty
  --consumes  event types that there are
  --emits     event types of its own, in the past tense, such as points-earned; none when left out

In a terminal it asks for what is not said.
`;

/** What the command line says; undefined where it says nothing. */
function readArguments(args: readonly string[]): Partial<Wish> & { help: boolean } {
  const options = {
    consumes: { type: 'string', multiple: true },
    emits: { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parsed(() => parseArgs({ args: [...args], options, allowPositionals: true }), USAGE);
  const [name, ...more] = positionals;
  if (more.length > 0) throw new Error(`one service at a time: what is ${more.join(' ')}?`);
  const { consumes, emits, help = false } = values;
  return {
    help,
    ...(name !== undefined && { name }),
    ...(consumes && { consumes: typesIn(consumes) }),
    ...(emits && { emits: typesIn(emits) }),
  };
}

const typesIn = (values: readonly string[]): string[] =>
  values.flatMap(value => value.split(/[\s,]+/)).filter(type => type !== '');

async function ask(given: Partial<Wish>, known: Known): Promise<Wish> {
  prompts.intro('A new service');
  const name =
    given.name ??
    answer(
      await prompts.text({
        message: 'What is it called?',
        placeholder: 'loyalty',
        validate: value => nameProblems(value ?? '', known)[0],
      }),
    );
  const offered = known.types.filter(type => consumesProblems([type], known).length === 0);
  const consumes =
    given.consumes ??
    answer(
      await prompts.multiselect({
        message: 'Which events does it consume? (space selects)',
        options: offered.map(value => ({ value, label: value })),
        required: true,
      }),
    );
  const emits =
    given.emits ??
    typesIn([
      answer(
        await prompts.text({
          message: 'Which events does it emit? Several with commas between them; none when empty',
          placeholder: 'points-earned',
          defaultValue: '',
          validate: value => typesIn([value ?? '']).flatMap(type => emitsProblems(type, known))[0],
        }),
      ),
    ]);
  return { name, consumes, emits };
}

/** What was answered, unless it was Ctrl-C. */
function answer<Value>(value: Value): Exclude<Value, symbol> {
  if (prompts.isCancel(value)) throw new Cancelled();
  return value as Exclude<Value, symbol>;
}

async function wishOf(given: Partial<Wish>, known: Known): Promise<Wish> {
  const { name, consumes, emits = [] } = given;
  if (name !== undefined && consumes) return { name, consumes, emits };
  if (process.stdin.isTTY && process.stdout.isTTY) return ask(given, known);
  throw new Error(`${name === undefined ? 'the name of the service' : '--consumes'} is missing\n\n${USAGE}`);
}

async function run(args: readonly string[]): Promise<void> {
  const { help, ...given } = readArguments(args);
  if (help) return void process.stdout.write(USAGE);
  const known = await knownNow();
  const wish = await wishOf(given, known);
  const problems = problemsOf(wish, known);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const files = await planFiles(wish);
  writeAll(root, files);
  process.stdout.write(`${[...files.keys()].map(path => `  ${path}`).join('\n')}

The ${wish.name} service is there. Try it, then make it yours (docs/ADD-A-SERVICE.md):

  npm test -- subgraphs/${wish.name}
  npm start
`);
}

await runCommand(run, 'Nothing was written.');
