import { DATA_DIR_DEFAULT } from './config.ts';

/** The one screen that says that everything runs. */
export type Ready = {
  url: string;
  dataDir: string;
  seconds: number;
  /** Tokens for trying things out; absent when somebody else makes the tokens. */
  tokens?: { alice: string; olga: string };
};

export function readyScreen({ url: listening, dataDir, seconds, tokens }: Ready): string {
  // An address to listen on everywhere is none to go to.
  const url = listening.replace('//0.0.0.0:', '//127.0.0.1:');
  const token = `${dataDir === DATA_DIR_DEFAULT ? '' : `DATA_DIR='${dataDir}' `}npm run -s token --`;
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
    `  Health     ${url}/health/ready`,
    `  Metrics    ${url}/metrics`,
    `  Data       ${dataDir}`,
    '',
    ...people,
    'Stop it with Ctrl-C: it finishes what it has. Nothing that was acknowledged is lost, however it ends.',
    '',
    '',
  ].join('\n');
}
