/**
 * Errors as MongoDB reports them: a code, its name, a message and sometimes more fields. Codes and names are those of
 * MongoDB's `src/mongo/base/error_codes.yml`; clients decide by the code.
 */
export const CODES = {
  InternalError: 1,
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  IllegalOperation: 20,
  InvalidBSON: 22,
  NamespaceNotFound: 26,
  IndexNotFound: 27,
  PathNotViable: 28,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  NamespaceExists: 48,
  MaxTimeMSExpired: 50,
  DollarPrefixedFieldName: 52,
  InvalidIdField: 53,
  EmptyFieldName: 56,
  CommandNotFound: 59,
  ImmutableField: 66,
  CannotCreateIndex: 67,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86,
  OperationFailed: 96,
  InvalidPipelineOperator: 168,
  CannotIndexParallelArrays: 171,
  QueryPlanKilled: 175,
  InvalidIndexSpecificationOption: 197,
  NotImplemented: 238,
  QueryExceededMemoryLimitNoDiskUseAllowed: 292,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
  OutOfDiskSpace: 14031,
  Location15955: 15955,
  Location40323: 40323,
  Location40324: 40324,
  Location40353: 40353,
  IDLFailedToParse: 40414,
  IDLUnknownField: 40415,
} as const;

export type CodeName = keyof typeof CODES;

/** An error a client is told: goes into the reply as `code`, `codeName`, `errmsg`, and `extra` as it stands. */
export class CommandError extends Error {
  readonly codeName: CodeName;
  readonly extra: Record<string, unknown>;

  constructor(codeName: CodeName, message: string, extra: Record<string, unknown> = {}) {
    super(message);
    this.name = 'CommandError';
    this.codeName = codeName;
    this.extra = extra;
  }

  get code(): number {
    return CODES[this.codeName];
  }
}

/** The storage itself failed (disk full, I/O error): nothing of the transaction stands. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** It is not known what stands: the process must end. */
export class StorageLost extends Error {
  override readonly name = 'StorageLost';
}

export function fail(codeName: CodeName, message: string, extra?: Record<string, unknown>): never {
  throw new CommandError(codeName, message, extra);
}

/** Refuses by name a feature of MongoDB that this server does not have. */
export function unsupported(what: string): never {
  fail('NotImplemented', `${what} is not supported by the embedded server`);
}
