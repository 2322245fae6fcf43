/** What went wrong, and how it is said to people. */

/** A request that has no answer, or one that says no. `code` is the API's `extensions.code`, or one of ours. */
export class Failure extends Error {
  override name = 'Failure';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The gateway did not answer, or not in time. */
export const NETWORK = 'NETWORK';

/** Whether the same request may do later: nothing was wrong with it. */
export const isPassing = ({ code }: Failure): boolean =>
  [NETWORK, 'UNAVAILABLE', 'TIMEOUT', 'TOO_MANY_REQUESTS', 'SUBGRAPH_STREAM_LOST', 'INTERNAL_SERVER_ERROR'].includes(
    code,
  );

/** Whether what was sent may have arrived all the same. */
export const isUncertain = ({ code }: Failure): boolean => [NETWORK, 'TIMEOUT', 'INTERNAL_SERVER_ERROR'].includes(code);

const TEXTS: Record<string, string> = {
  [NETWORK]: 'The gateway does not answer.',
  UNAVAILABLE: 'A part of the system is out of reach right now. Try again in a moment.',
  TIMEOUT: 'It takes longer than usual. Try again in a moment.',
  TOO_MANY_REQUESTS: 'These were too many requests in a minute. Wait a little, then try again.',
  FORBIDDEN: 'Only operators may see this. Sign in as one.',
  SUBGRAPH_STREAM_LOST: 'Live updates were lost. They are asked for again.',
};

/** What to say where nothing better is known than what failed. */
export const textOf = (failure: Failure): string => TEXTS[failure.code] ?? failure.message;

/** Whatever was thrown, as a failure. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  return new Failure('UNKNOWN', thrown instanceof Error ? thrown.message : String(thrown));
}
