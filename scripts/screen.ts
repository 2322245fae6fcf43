import { DATA_DIR_DEFAULT } from './config.ts';

const URL_DEFAULT = 'http://127.0.0.1:4000';

/** The one screen that says that everything runs. */
export type Ready = {
  url: string;
  dataDir: string;
  /** Servers that are not its own, by the variable that names each: what they keep is not in the data folder. */
  elsewhere?: readonly string[];
  seconds: number;
  /** Tokens for trying things out; absent when somebody else makes the tokens. */
  tokens?: { alice: string; olga: string };
};

export function readyScreen({ url: listening, dataDir, elsewhere = [], seconds, tokens }: Ready): string {
  // An address to listen on everywhere is none to go to.
  const url = listening.replace('//0.0.0.0:', '//127.0.0.1:');
  // Whoever copies a command has neither the settings nor the port of this process.
  const settings = dataDir === DATA_DIR_DEFAULT ? '' : `DATA_DIR=${quoted(dataDir)} `;
  const token = `${settings}npm run -s token --`;
  const given = [...(url === URL_DEFAULT ? [] : ['--url', url]), ...(tokens ? [] : ['--token', 'OPERATOR'])];
  const audit = `${settings}npm run audit${given.length > 0 ? ` -- ${given.join(' ')}` : ''}`;
  const body = JSON.stringify({
    query: 'mutation { openAccount(input: {name: "Everyday"}) { account { id balance { amount } } } }',
  });
  const people = tokens
    ? [
        `A token for an owner, and for an operator (12 hours; more: ${token} NAME [operator]):`,
        '',
        `  alice  ${tokens.alice}`,
        '',
        `  olga   ${tokens.olga}`,
        '',
        'Try it:',
        '',
        `  curl -s ${url}/graphql -H 'content-type: application/json' \\`,
        `    -H "authorization: Bearer $(${token} alice)" \\`,
        `    -d '${body}'`,
        '',
      ]
    : [];
  return [
    '',
    `Tributary is ready in ${seconds.toFixed(1)} s.`,
    '',
    `  GraphQL    ${url}/graphql   (POST, and graphql-ws on the same path)`,
    `  Console    ${url}/`,
    `  Playground ${url}/graphiql`,
    `  Queues     ${url}/queues   (operators)`,
    `  Health     ${url}/health/ready`,
    `  Metrics    ${url}/metrics`,
    `  Data       ${[...(elsewhere.includes('MONGODB_URL') ? [] : [dataDir]), ...elsewhere.map(name => `where ${name} leads`)].join(', ')}`,
    '',
    ...people,
    'Is all of it right? When nobody uses it:',
    '',
    `  ${audit}`,
    '',
    'Stop it with Ctrl-C: it finishes what it has. Nothing that was acknowledged is lost, however it ends.',
    '',
    '',
  ].join('\n');
}

/** For a shell, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
