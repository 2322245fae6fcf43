// Generated from schema.graphql and nodes.ts by `npm run compose`: change those.
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { EventNode, EventConnectionNode, EventSelectionNode, FaultNode, ReplayNode, ScheduleNode, ServiceNode } from './nodes.ts';
import type { RequestContext } from '../host.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** RFC 3339 date-time, UTC. */
  DateTime: { input: string; output: string; }
  /** Any JSON value (output only). */
  JSON: { input: unknown; output: unknown; }
  _FieldSet: { input: string; output: string; }
};

export type Query = {
  __typename?: 'Query';
  /** The lake. Operators only, as is all below. */
  events: EventConnection;
  event?: Maybe<Event>;
  /** A part of the lake as text, from which the gateway makes its export: beyond a position, up to one, or up to the lake's size now. */
  eventLines: EventLines;
  /** Recomputes the lake's hash chain, and holds it to the recorded checkpoints. In part: positions, both included; a part follows from the hash before it as it is. */
  verifyLake: LakeVerification;
  /** The lake's hash now, signed: to be kept elsewhere, and held to an export by "npm run verify". */
  checkpoint: Checkpoint;
  replay?: Maybe<Replay>;
  /** Newest first. */
  replays: ReplayConnection;
  /** Newest first; of one service, in one state, or those that were or were not resubmitted. Such a page may be shorter than asked for, with more after it. */
  faults: FaultConnection;
  fault?: Maybe<Fault>;
  services: Array<Service>;
  /** The system now: what runs, what waits, what flows. Answers also when a server is away, with null for what cannot be known. */
  system: System;
  /** Reconciliations that come round by themselves. */
  schedules: Array<Schedule>;
  /** Every type of event that has a contract, that a service says it emits or consumes, or that one has ever said it emits, by name. */
  eventTypes: Array<EventType>;
};


export type QueryEventsArgs = {
  filter?: InputMaybe<EventFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  order?: InputMaybe<EventOrder>;
};


export type QueryEventArgs = {
  id: Scalars['ID']['input'];
};


export type QueryEventLinesArgs = {
  filter?: InputMaybe<EventFilter>;
  after?: Scalars['Int']['input'];
  until?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryVerifyLakeArgs = {
  from?: InputMaybe<Scalars['Int']['input']>;
  to?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryReplayArgs = {
  id: Scalars['ID']['input'];
};


export type QueryReplaysArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
};


export type QueryFaultsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  service?: InputMaybe<Scalars['String']['input']>;
  resubmitted?: InputMaybe<Scalars['Boolean']['input']>;
  state?: InputMaybe<FaultState>;
};


export type QueryFaultArgs = {
  id: Scalars['ID']['input'];
};

export type Mutation = {
  __typename?: 'Mutation';
  /** Sends events from the lake to one service again. Operators only, as is all below. */
  replay: Replay;
  cancelReplay: Replay;
  /** Builds a service's data anew beside it from the lake, compares, and puts right what differs, account by account. */
  reconcile: Replay;
  /** Sends what was set aside to its service once more. */
  resubmit: Array<Fault>;
  /** Closes faults of which nothing is to become, and says why: they stay in the lake, and can still be resubmitted. The first reason stands. */
  dismiss: Array<Fault>;
  /** Takes a service out of the system, after its process has been stopped: nothing is sent to it any more, and its queues are removed; its databases are kept. Takes some seconds. Refused while a process of it runs, and while others consume its events and nobody else emits them. Answers with the services that are left. */
  unbind: Array<Service>;
};


export type MutationReplayArgs = {
  input: ReplayInput;
};


export type MutationCancelReplayArgs = {
  id: Scalars['ID']['input'];
};


export type MutationReconcileArgs = {
  input: ReconcileInput;
};


export type MutationResubmitArgs = {
  faultIds: Array<Scalars['ID']['input']>;
};


export type MutationDismissArgs = {
  faultIds: Array<Scalars['ID']['input']>;
  reason: Scalars['String']['input'];
};


export type MutationUnbindArgs = {
  service: Scalars['String']['input'];
};

export type Subscription = {
  __typename?: 'Subscription';
  replayProgress: Replay;
  /** The system now, then about once a second. */
  systemChanged: System;
  /** Events as the lake stores them. Operators only. With "after": all after that position, each once and without a gap, as fast as they are read. */
  eventStored: Event;
};


export type SubscriptionReplayProgressArgs = {
  id: Scalars['ID']['input'];
};


export type SubscriptionEventStoredArgs = {
  filter?: InputMaybe<EventFilter>;
  after?: InputMaybe<Scalars['Int']['input']>;
};

export type EventOrder =
  | 'OLDEST_FIRST'
  | 'NEWEST_FIRST';

export type EventFilter = {
  types?: InputMaybe<Array<Scalars['String']['input']>>;
  subject?: InputMaybe<Scalars['ID']['input']>;
  source?: InputMaybe<Scalars['String']['input']>;
  correlationId?: InputMaybe<Scalars['ID']['input']>;
  /** Event time, inclusive. */
  from?: InputMaybe<Scalars['DateTime']['input']>;
  /** Event time, exclusive. */
  to?: InputMaybe<Scalars['DateTime']['input']>;
};

export type Event = {
  __typename?: 'Event';
  id: Scalars['ID']['output'];
  type: Scalars['String']['output'];
  source: Scalars['String']['output'];
  subject?: Maybe<Scalars['String']['output']>;
  time: Scalars['DateTime']['output'];
  data?: Maybe<Scalars['JSON']['output']>;
  correlationId?: Maybe<Scalars['ID']['output']>;
  causationId?: Maybe<Scalars['ID']['output']>;
  /** The trace of the request that it comes from (W3C Trace Context); null where none is kept. */
  traceId?: Maybe<Scalars['String']['output']>;
  /** Where to look at that trace, where OTEL_TRACE_URL says so. */
  traceUrl?: Maybe<Scalars['String']['output']>;
  /** Its place in the lake: 1, 2, 3, ... without gaps. */
  position: Scalars['Int']['output'];
  storedAt: Scalars['DateTime']['output'];
  /** SHA-256 over the previous event's hash and this event. */
  hash: Scalars['String']['output'];
  /** The event that it follows from directly; none where a story begins. */
  causes: Array<Event>;
  /** The events that follow from it directly, in the order of positions. */
  caused: EventConnection;
};


export type EventCausedArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
};

/** What the lake says its hash is at a position, signed with Ed25519. */
export type Checkpoint = {
  __typename?: 'Checkpoint';
  /** The lake that signed it. */
  system: Scalars['String']['output'];
  position: Scalars['Int']['output'];
  hash: Scalars['String']['output'];
  time: Scalars['DateTime']['output'];
  /** SPKI, as PEM: to be compared with the one that was pinned. */
  publicKey: Scalars['String']['output'];
  /** Base64, over the canonical JSON (RFC 8785) of hash, position, system, time, type "tributary-lake-checkpoint" and version 1. */
  signature: Scalars['String']['output'];
};

export type EventLines = {
  __typename?: 'EventLines';
  /** CloudEvents in JSON, oldest first, a line feed after each; with `lakeposition` and `lakehash`. */
  text: Scalars['String']['output'];
  /** All that the filter selects up to here is in it; the next part begins after it. */
  position: Scalars['Int']['output'];
  /** Where the last part ends. */
  until: Scalars['Int']['output'];
};

export type LakeVerification = {
  __typename?: 'LakeVerification';
  valid: Scalars['Boolean']['output'];
  events: Scalars['Int']['output'];
  head: Scalars['String']['output'];
  firstBadPosition?: Maybe<Scalars['Int']['output']>;
};

export type ReplayInput = {
  /** The service that gets the events: account, balance, reporting, or one added later. */
  service: Scalars['String']['input'];
  filter?: InputMaybe<EventFilter>;
  /** REPAIR: into the service's data as it is. REBUILD: into a fresh copy beside it, which takes its place when complete; reads and live events go on meanwhile. */
  mode?: InputMaybe<ReplayMode>;
  /** Counts what would be sent (and, for REBUILD, compares) and sends nothing. */
  dryRun?: InputMaybe<Scalars['Boolean']['input']>;
  /** Why; kept with the replay. Up to 500 characters. */
  reason?: InputMaybe<Scalars['String']['input']>;
  /** 1 to 100,000; as fast as the service takes them when absent. */
  ratePerSecond?: InputMaybe<Scalars['Int']['input']>;
};

export type ReconcileInput = {
  service: Scalars['String']['input'];
  /** Compares and changes nothing. */
  dryRun?: InputMaybe<Scalars['Boolean']['input']>;
  /** 1 to 100,000 events a second; as fast as the service takes them when absent, 1,000 when it comes round by itself. */
  ratePerSecond?: InputMaybe<Scalars['Int']['input']>;
  /** Also again every so many hours, up to 8,760; 0: no more. */
  everyHours?: InputMaybe<Scalars['Int']['input']>;
  /** Why; kept with the replay. Up to 500 characters. */
  reason?: InputMaybe<Scalars['String']['input']>;
};

/** A reconciliation that comes round by itself. */
export type Schedule = {
  __typename?: 'Schedule';
  service: Scalars['String']['output'];
  everyHours: Scalars['Int']['output'];
  ratePerSecond: Scalars['Int']['output'];
  dryRun: Scalars['Boolean']['output'];
  requestedBy: Scalars['String']['output'];
  dueAt: Scalars['DateTime']['output'];
};

export type ReplayMode =
  | 'REPAIR'
  | 'REBUILD'
  /** Builds anew beside, and replaces only what differs. */
  | 'RECONCILE'
  /** Back to the data from before the last REBUILD, with what has happened since. */
  | 'ROLLBACK';

export type ReplayStatus =
  /** Waiting for its turn: one replay at a time for each service. */
  | 'PLANNED'
  | 'RUNNING'
  | 'COMPLETED'
  | 'CANCELLED'
  | 'FAILED';

/** A filter of events, as it was given. */
export type EventSelection = {
  __typename?: 'EventSelection';
  types?: Maybe<Array<Scalars['String']['output']>>;
  subject?: Maybe<Scalars['ID']['output']>;
  source?: Maybe<Scalars['String']['output']>;
  correlationId?: Maybe<Scalars['ID']['output']>;
  from?: Maybe<Scalars['DateTime']['output']>;
  to?: Maybe<Scalars['DateTime']['output']>;
};

export type Replay = {
  __typename?: 'Replay';
  id: Scalars['ID']['output'];
  service: Scalars['String']['output'];
  mode: ReplayMode;
  dryRun: Scalars['Boolean']['output'];
  /** What it was asked for: null where that is every event. */
  filter?: Maybe<EventSelection>;
  ratePerSecond?: Maybe<Scalars['Int']['output']>;
  status: ReplayStatus;
  /** Events the filter selects. */
  total: Scalars['Int']['output'];
  /** With a dry run: the accounts, or other subjects, of these events. Null when it would have taken too long to count them. */
  subjects?: Maybe<Scalars['Int']['output']>;
  /** Events applied by the service so far. */
  applied: Scalars['Int']['output'];
  eventsPerSecond?: Maybe<Scalars['Float']['output']>;
  secondsLeft?: Maybe<Scalars['Float']['output']>;
  /** Rows of the service's data that the replay changed, added or removed; with a dry run, that it would. */
  differences?: Maybe<Scalars['Int']['output']>;
  /** REBUILD and RECONCILE: the accounts, or other subjects, whose rows differed; the first 100. */
  differingSubjects: Array<Scalars['ID']['output']>;
  requestedBy: Scalars['String']['output'];
  reason?: Maybe<Scalars['String']['output']>;
  createdAt: Scalars['DateTime']['output'];
  finishedAt?: Maybe<Scalars['DateTime']['output']>;
  error?: Maybe<Scalars['String']['output']>;
};

/** An event that a service could not handle, set aside. */
export type Fault = {
  __typename?: 'Fault';
  id: Scalars['ID']['output'];
  service: Scalars['String']['output'];
  error: Scalars['String']['output'];
  /** The event as the lake has it; null when it never became a valid event. */
  event?: Maybe<Event>;
  eventId: Scalars['ID']['output'];
  /** The event's type, as far as it could be read. */
  eventType?: Maybe<Scalars['String']['output']>;
  subject?: Maybe<Scalars['ID']['output']>;
  time: Scalars['DateTime']['output'];
  deliveries: Scalars['Int']['output'];
  state: FaultState;
  resubmittedAt?: Maybe<Scalars['DateTime']['output']>;
  dismissal?: Maybe<Dismissal>;
  /** What was delivered, as it was: it may not even be an event. */
  original?: Maybe<Scalars['JSON']['output']>;
};

export type FaultState =
  /** Somebody has to look at it. */
  | 'OPEN'
  /** It was sent again: failing once more makes a fault of its own. */
  | 'RESUBMITTED'
  /** It was closed, and was not sent again. */
  | 'DISMISSED';

/** That a fault was closed, and why. */
export type Dismissal = {
  __typename?: 'Dismissal';
  by: Scalars['String']['output'];
  at: Scalars['DateTime']['output'];
  reason: Scalars['String']['output'];
};

export type EventType = {
  __typename?: 'EventType';
  type: Scalars['String']['output'];
  /** The services that may emit it. */
  emittedBy: Array<Scalars['String']['output']>;
  /** The services that get it, those that consume everything among them. */
  consumedBy: Array<Scalars['String']['output']>;
  /** What its contract promises, the newest version first; none where the lake's process knows no contract of it. */
  versions: Array<EventVersion>;
};

/** What the data of an event say, as long as its version is the same. */
export type EventVersion = {
  __typename?: 'EventVersion';
  version: Scalars['Int']['output'];
  description: Scalars['String']['output'];
  /** Whether it is the one that is written; all are read. While a version comes, the one before is written. */
  written: Scalars['Boolean']['output'];
  /** JSON Schema, draft 7. */
  schema: Scalars['JSON']['output'];
  /** Data as they may be. */
  example?: Maybe<Scalars['JSON']['output']>;
};

export type Service = {
  __typename?: 'Service';
  name: Scalars['String']['output'];
  consumes: Array<Scalars['String']['output']>;
  emits: Array<Scalars['String']['output']>;
  /** Events waiting for it. */
  lagEvents: Scalars['Int']['output'];
  /** The age in seconds of the oldest event waiting for it; 0 when none is. */
  lagSeconds: Scalars['Float']['output'];
  faults: Scalars['Int']['output'];
  /** Events that it has sent and that are not known to be in the lake yet; 1,000 stands for as many or more. Null until it has looked. */
  unconfirmedEvents?: Maybe<Scalars['Int']['output']>;
  /** Events that it had sent, that the lake lacked, and that it has sent again, ever. */
  resentEvents?: Maybe<Scalars['Int']['output']>;
};

/** The system as the lake's process sees it. */
export type System = {
  __typename?: 'System';
  /** When it was looked at. */
  time: Scalars['DateTime']['output'];
  /** Events that the lake holds; null when that cannot be asked. */
  events?: Maybe<Scalars['Int']['output']>;
  /** What the lake has stored in the last minute, by source and type, the busiest first. A process of the lake that has just started knows nothing of before. */
  flows: Array<Flow>;
  /** As their names go. Which there are is as last known while MongoDB is away. */
  services: Array<ServiceHealth>;
  servers: Array<Server>;
};

/** Events of one type from one source on their way to the lake, and to whoever consumes the type. */
export type Flow = {
  __typename?: 'Flow';
  source: Scalars['String']['output'];
  type: Scalars['String']['output'];
  /** Over the last ten seconds. */
  eventsPerSecond: Scalars['Float']['output'];
  eventsLastMinute: Scalars['Int']['output'];
};

/** How a service is. What cannot be known right now is null. */
export type ServiceHealth = {
  __typename?: 'ServiceHealth';
  name: Scalars['String']['output'];
  consumes: Array<Scalars['String']['output']>;
  emits: Array<Scalars['String']['output']>;
  /** Whether a process of it has said in the last 6 s that it runs. */
  running?: Maybe<Scalars['Boolean']['output']>;
  /** Events waiting for it, in Redis. */
  lagEvents?: Maybe<Scalars['Int']['output']>;
  /** The age in seconds of the oldest event waiting for it; 0 when none is. */
  lagSeconds?: Maybe<Scalars['Float']['output']>;
  /** Queues of it that an operator has paused: nothing is taken from them. */
  pausedQueues?: Maybe<Scalars['Int']['output']>;
  /** Jobs in its queues that have failed for good: nobody handles them until an operator has them tried again. Their events are not among those that wait. */
  failedJobs?: Maybe<Scalars['Int']['output']>;
  /** Faults that nobody has resubmitted; some seconds old. */
  faults?: Maybe<Scalars['Int']['output']>;
  /** Events in its outbox that it has acknowledged and not sent on within half a second, as it said some seconds ago, or last; 1,000 stands for as many or more. */
  pendingEvents?: Maybe<Scalars['Int']['output']>;
  /** The age in seconds of the oldest of them; 0 when there is none. */
  oldestPendingSeconds?: Maybe<Scalars['Float']['output']>;
};

export type ServerState =
  | 'OK'
  /** Does not answer within a second. */
  | 'DOWN';

/** A server beneath the services. */
export type Server = {
  __typename?: 'Server';
  /** mongodb or redis. */
  name: Scalars['String']['output'];
  state: ServerState;
  /** How long a small question took, from the lake's process and back; null when it is down. */
  roundTripMs?: Maybe<Scalars['Float']['output']>;
};

export type PageInfo = {
  __typename?: 'PageInfo';
  hasNextPage: Scalars['Boolean']['output'];
  endCursor?: Maybe<Scalars['String']['output']>;
};

export type EventConnection = {
  __typename?: 'EventConnection';
  nodes: Array<Event>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type ReplayConnection = {
  __typename?: 'ReplayConnection';
  nodes: Array<Replay>;
  pageInfo: PageInfo;
};

export type FaultConnection = {
  __typename?: 'FaultConnection';
  nodes: Array<Fault>;
  pageInfo: PageInfo;
};



export type ResolverTypeWrapper<T> = Promise<T> | T;

export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;





/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  EventOrder: EventOrder;
  EventFilter: EventFilter;
  Event: ResolverTypeWrapper<EventNode>;
  Checkpoint: ResolverTypeWrapper<Checkpoint>;
  EventLines: ResolverTypeWrapper<EventLines>;
  LakeVerification: ResolverTypeWrapper<LakeVerification>;
  ReplayInput: ReplayInput;
  ReconcileInput: ReconcileInput;
  Schedule: ResolverTypeWrapper<ScheduleNode>;
  ReplayMode: ReplayMode;
  ReplayStatus: ReplayStatus;
  EventSelection: ResolverTypeWrapper<EventSelectionNode>;
  Replay: ResolverTypeWrapper<ReplayNode>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  Fault: ResolverTypeWrapper<FaultNode>;
  FaultState: FaultState;
  Dismissal: ResolverTypeWrapper<Dismissal>;
  EventType: ResolverTypeWrapper<EventType>;
  EventVersion: ResolverTypeWrapper<EventVersion>;
  Service: ResolverTypeWrapper<ServiceNode>;
  System: ResolverTypeWrapper<System>;
  Flow: ResolverTypeWrapper<Flow>;
  ServiceHealth: ResolverTypeWrapper<ServiceHealth>;
  ServerState: ServerState;
  Server: ResolverTypeWrapper<Server>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  EventConnection: ResolverTypeWrapper<EventConnectionNode>;
  ReplayConnection: ResolverTypeWrapper<Omit<ReplayConnection, 'nodes'> & { nodes: Array<ResolversTypes['Replay']> }>;
  FaultConnection: ResolverTypeWrapper<Omit<FaultConnection, 'nodes'> & { nodes: Array<ResolversTypes['Fault']> }>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DateTime: Scalars['DateTime']['output'];
  JSON: Scalars['JSON']['output'];
  Query: Record<PropertyKey, never>;
  Int: Scalars['Int']['output'];
  String: Scalars['String']['output'];
  ID: Scalars['ID']['output'];
  Boolean: Scalars['Boolean']['output'];
  Mutation: Record<PropertyKey, never>;
  Subscription: Record<PropertyKey, never>;
  EventFilter: EventFilter;
  Event: EventNode;
  Checkpoint: Checkpoint;
  EventLines: EventLines;
  LakeVerification: LakeVerification;
  ReplayInput: ReplayInput;
  ReconcileInput: ReconcileInput;
  Schedule: ScheduleNode;
  EventSelection: EventSelectionNode;
  Replay: ReplayNode;
  Float: Scalars['Float']['output'];
  Fault: FaultNode;
  Dismissal: Dismissal;
  EventType: EventType;
  EventVersion: EventVersion;
  Service: ServiceNode;
  System: System;
  Flow: Flow;
  ServiceHealth: ServiceHealth;
  Server: Server;
  PageInfo: PageInfo;
  EventConnection: EventConnectionNode;
  ReplayConnection: Omit<ReplayConnection, 'nodes'> & { nodes: Array<ResolversParentTypes['Replay']> };
  FaultConnection: Omit<FaultConnection, 'nodes'> & { nodes: Array<ResolversParentTypes['Fault']> };
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type QueryResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  events?: Resolver<ResolversTypes['EventConnection'], ParentType, ContextType, RequireFields<QueryEventsArgs, 'first' | 'order'>>;
  event?: Resolver<Maybe<ResolversTypes['Event']>, ParentType, ContextType, RequireFields<QueryEventArgs, 'id'>>;
  eventLines?: Resolver<ResolversTypes['EventLines'], ParentType, ContextType, RequireFields<QueryEventLinesArgs, 'after'>>;
  verifyLake?: Resolver<ResolversTypes['LakeVerification'], ParentType, ContextType, Partial<QueryVerifyLakeArgs>>;
  checkpoint?: Resolver<ResolversTypes['Checkpoint'], ParentType, ContextType>;
  replay?: Resolver<Maybe<ResolversTypes['Replay']>, ParentType, ContextType, RequireFields<QueryReplayArgs, 'id'>>;
  replays?: Resolver<ResolversTypes['ReplayConnection'], ParentType, ContextType, RequireFields<QueryReplaysArgs, 'first'>>;
  faults?: Resolver<ResolversTypes['FaultConnection'], ParentType, ContextType, RequireFields<QueryFaultsArgs, 'first'>>;
  fault?: Resolver<Maybe<ResolversTypes['Fault']>, ParentType, ContextType, RequireFields<QueryFaultArgs, 'id'>>;
  services?: Resolver<Array<ResolversTypes['Service']>, ParentType, ContextType>;
  system?: Resolver<ResolversTypes['System'], ParentType, ContextType>;
  schedules?: Resolver<Array<ResolversTypes['Schedule']>, ParentType, ContextType>;
  eventTypes?: Resolver<Array<ResolversTypes['EventType']>, ParentType, ContextType>;
};

export type MutationResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  replay?: Resolver<ResolversTypes['Replay'], ParentType, ContextType, RequireFields<MutationReplayArgs, 'input'>>;
  cancelReplay?: Resolver<ResolversTypes['Replay'], ParentType, ContextType, RequireFields<MutationCancelReplayArgs, 'id'>>;
  reconcile?: Resolver<ResolversTypes['Replay'], ParentType, ContextType, RequireFields<MutationReconcileArgs, 'input'>>;
  resubmit?: Resolver<Array<ResolversTypes['Fault']>, ParentType, ContextType, RequireFields<MutationResubmitArgs, 'faultIds'>>;
  dismiss?: Resolver<Array<ResolversTypes['Fault']>, ParentType, ContextType, RequireFields<MutationDismissArgs, 'faultIds' | 'reason'>>;
  unbind?: Resolver<Array<ResolversTypes['Service']>, ParentType, ContextType, RequireFields<MutationUnbindArgs, 'service'>>;
};

export type SubscriptionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  replayProgress?: SubscriptionResolver<ResolversTypes['Replay'], "replayProgress", ParentType, ContextType, RequireFields<SubscriptionReplayProgressArgs, 'id'>>;
  systemChanged?: SubscriptionResolver<ResolversTypes['System'], "systemChanged", ParentType, ContextType>;
  eventStored?: SubscriptionResolver<ResolversTypes['Event'], "eventStored", ParentType, ContextType, Partial<SubscriptionEventStoredArgs>>;
};

export type EventResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Event'] = ResolversParentTypes['Event']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  source?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  subject?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  time?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  data?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
  correlationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  causationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  traceId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  traceUrl?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  position?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  storedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  hash?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  causes?: Resolver<Array<ResolversTypes['Event']>, ParentType, ContextType>;
  caused?: Resolver<ResolversTypes['EventConnection'], ParentType, ContextType, RequireFields<EventCausedArgs, 'first'>>;
};

export type CheckpointResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Checkpoint'] = ResolversParentTypes['Checkpoint']> = {
  system?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  position?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  hash?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  time?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  publicKey?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  signature?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type EventLinesResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EventLines'] = ResolversParentTypes['EventLines']> = {
  text?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  position?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  until?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type LakeVerificationResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['LakeVerification'] = ResolversParentTypes['LakeVerification']> = {
  valid?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  events?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  head?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  firstBadPosition?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type ScheduleResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Schedule'] = ResolversParentTypes['Schedule']> = {
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  everyHours?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  ratePerSecond?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  dryRun?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  requestedBy?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  dueAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type EventSelectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EventSelection'] = ResolversParentTypes['EventSelection']> = {
  types?: Resolver<Maybe<Array<ResolversTypes['String']>>, ParentType, ContextType>;
  subject?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  source?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  correlationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  from?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  to?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type ReplayResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Replay'] = ResolversParentTypes['Replay']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  mode?: Resolver<ResolversTypes['ReplayMode'], ParentType, ContextType>;
  dryRun?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  filter?: Resolver<Maybe<ResolversTypes['EventSelection']>, ParentType, ContextType>;
  ratePerSecond?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  status?: Resolver<ResolversTypes['ReplayStatus'], ParentType, ContextType>;
  total?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  subjects?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  applied?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  eventsPerSecond?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  secondsLeft?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  differences?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  differingSubjects?: Resolver<Array<ResolversTypes['ID']>, ParentType, ContextType>;
  requestedBy?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  finishedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  error?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type FaultResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Fault'] = ResolversParentTypes['Fault']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  error?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  event?: Resolver<Maybe<ResolversTypes['Event']>, ParentType, ContextType>;
  eventId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  eventType?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  subject?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  time?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  deliveries?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['FaultState'], ParentType, ContextType>;
  resubmittedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  dismissal?: Resolver<Maybe<ResolversTypes['Dismissal']>, ParentType, ContextType>;
  original?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
};

export type DismissalResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Dismissal'] = ResolversParentTypes['Dismissal']> = {
  by?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type EventTypeResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EventType'] = ResolversParentTypes['EventType']> = {
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  emittedBy?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  consumedBy?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  versions?: Resolver<Array<ResolversTypes['EventVersion']>, ParentType, ContextType>;
};

export type EventVersionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EventVersion'] = ResolversParentTypes['EventVersion']> = {
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  description?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  written?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  schema?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  example?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
};

export type ServiceResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Service'] = ResolversParentTypes['Service']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  consumes?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  emits?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  lagEvents?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  lagSeconds?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  faults?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  unconfirmedEvents?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  resentEvents?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type SystemResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['System'] = ResolversParentTypes['System']> = {
  time?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  events?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  flows?: Resolver<Array<ResolversTypes['Flow']>, ParentType, ContextType>;
  services?: Resolver<Array<ResolversTypes['ServiceHealth']>, ParentType, ContextType>;
  servers?: Resolver<Array<ResolversTypes['Server']>, ParentType, ContextType>;
};

export type FlowResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Flow'] = ResolversParentTypes['Flow']> = {
  source?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  eventsPerSecond?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  eventsLastMinute?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type ServiceHealthResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ServiceHealth'] = ResolversParentTypes['ServiceHealth']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  consumes?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  emits?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  running?: Resolver<Maybe<ResolversTypes['Boolean']>, ParentType, ContextType>;
  lagEvents?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  lagSeconds?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  pausedQueues?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  failedJobs?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  faults?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  pendingEvents?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  oldestPendingSeconds?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
};

export type ServerResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Server'] = ResolversParentTypes['Server']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['ServerState'], ParentType, ContextType>;
  roundTripMs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type EventConnectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EventConnection'] = ResolversParentTypes['EventConnection']> = {
  nodes?: Resolver<Array<ResolversTypes['Event']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type ReplayConnectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ReplayConnection'] = ResolversParentTypes['ReplayConnection']> = {
  nodes?: Resolver<Array<ResolversTypes['Replay']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type FaultConnectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['FaultConnection'] = ResolversParentTypes['FaultConnection']> = {
  nodes?: Resolver<Array<ResolversTypes['Fault']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type Resolvers<ContextType = RequestContext> = {
  DateTime?: GraphQLScalarType;
  JSON?: GraphQLScalarType;
  Query?: QueryResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  Event?: EventResolvers<ContextType>;
  Checkpoint?: CheckpointResolvers<ContextType>;
  EventLines?: EventLinesResolvers<ContextType>;
  LakeVerification?: LakeVerificationResolvers<ContextType>;
  Schedule?: ScheduleResolvers<ContextType>;
  EventSelection?: EventSelectionResolvers<ContextType>;
  Replay?: ReplayResolvers<ContextType>;
  Fault?: FaultResolvers<ContextType>;
  Dismissal?: DismissalResolvers<ContextType>;
  EventType?: EventTypeResolvers<ContextType>;
  EventVersion?: EventVersionResolvers<ContextType>;
  Service?: ServiceResolvers<ContextType>;
  System?: SystemResolvers<ContextType>;
  Flow?: FlowResolvers<ContextType>;
  ServiceHealth?: ServiceHealthResolvers<ContextType>;
  Server?: ServerResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  EventConnection?: EventConnectionResolvers<ContextType>;
  ReplayConnection?: ReplayConnectionResolvers<ContextType>;
  FaultConnection?: FaultConnectionResolvers<ContextType>;
};
