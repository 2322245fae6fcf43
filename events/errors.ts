/** An event that can never be handled as it is: it breaks its contract. It is set aside at once, not tried again. */
export class ContractViolation extends Error {
  override name = 'ContractViolation';
}

/** Others were always faster. Nothing is wrong with the event: it is tried again like after an outage. */
export class Contention extends Error {
  override name = 'Contention';
}

const MONGODB_ERRORS = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
  'MongoExpiredSessionError',
  'MongoOperationTimeoutError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoWriteConcernError',
  'PoolClearedOnNetworkError',
]);

// Not primary, stepping down, shutting down, host unreachable: the "retryable" codes of the MongoDB drivers'
// specification, and "out of disk space".
const MONGODB_CODES = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 14031]);

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

const REDIS_ERRORS = new Set(['MaxRetriesPerRequestError', 'AbortError', 'ClusterAllFailedError']);

// ioredis has plain Errors for these; the second group are replies of a server that is loading, full or read-only.
const REDIS_MESSAGES =
  /^(Connection is closed|Stream isn't writeable|Command timed out|connect ETIMEDOUT|LOADING|OOM|MISCONF|READONLY|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|NOREPLICAS)/;

/**
 * Whether an error means "cannot be reached right now" (a store, a queue, the network) as opposed to "is wrong".
 * Work that failed so is tried again for as long as it lasts; nothing is set aside for it.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // What went wrong with a bulk write is in `errorResponse`, a server's reply or not.
  const { code, errorResponse } = error as Error & { code?: unknown; errorResponse?: unknown };
  return (
    error instanceof Contention ||
    MONGODB_ERRORS.has(error.name) ||
    (error.name.startsWith('Mongo') && typeof code === 'number' && MONGODB_CODES.has(code)) ||
    (typeof code === 'string' && SOCKET_CODES.has(code)) ||
    REDIS_ERRORS.has(error.name) ||
    REDIS_MESSAGES.test(error.message) ||
    isUnavailable(error.cause) ||
    isUnavailable(errorResponse)
  );
}

/** The MongoDB duplicate key error, of a single write or of an ordered batch. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && (error as Error & { code?: unknown }).code === 11000;
}

/**
 * For writes that may have happened before: swallows the duplicate key errors of a single write or of an unordered batch.
 *
 * @returns which of a batch were refused, by their places in it.
 * @throws the error itself when anything else went wrong in it.
 */
export function ignoreDuplicates(error: unknown): number[] {
  const { writeErrors = [] } = error as { writeErrors?: { code?: unknown; index: number }[] };
  const onlyDuplicates = isDuplicateKey(error) && writeErrors.every(({ code }) => code === 11000);
  if (!onlyDuplicates) throw error;
  return writeErrors.map(({ index }) => index);
}
