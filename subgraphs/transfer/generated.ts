// Generated from schema.graphql and nodes.ts by `npm run compose`: change those.
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { RequestContext } from '../host.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
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
  /** A whole number of the currency's minor units (cents), as a JSON integer within ±(2^53 - 1). */
  MinorUnits: { input: number; output: number; }
  _FieldSet: { input: string; output: string; }
};

export type Query = {
  __typename?: 'Query';
  /** One of the caller's own transfers (any, for an operator); null when there is none. */
  transfer?: Maybe<Transfer>;
  /** The transfers that the caller has asked for (all, for an operator), newest first. */
  transfers: TransferConnection;
};


export type QueryTransferArgs = {
  id: Scalars['ID']['input'];
};


export type QueryTransfersArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
};

export type Mutation = {
  __typename?: 'Mutation';
  /** Moves an amount out of one of the caller's accounts into any account whose id they know. It is acknowledged at once; what becomes of it is in its status. */
  transfer: TransferPayload;
};


export type MutationTransferArgs = {
  input: TransferInput;
};

export type Subscription = {
  __typename?: 'Subscription';
  /** The transfer now, then each time its status changes. */
  transferChanged: Transfer;
};


export type SubscriptionTransferChangedArgs = {
  id: Scalars['ID']['input'];
};

export type TransferStatus =
  /** Acknowledged and durable; not answered yet. */
  | 'REQUESTED'
  /** Taken out of the one account, on its way into the other. */
  | 'WITHDRAWN'
  /** In the other account. Final. */
  | 'COMPLETED'
  /** Nothing was taken out. Final. */
  | 'REFUSED'
  /** Nothing was taken out in time. Should it still be, it is given back at once. */
  | 'EXPIRED'
  /** Taken out in vain, on its way back. */
  | 'RETURNING'
  /** Back in the account that it came from. Final. */
  | 'COMPENSATED';

export type TransferProblem =
  /** The account does not exist, or it is to be taken out and is not the caller's. */
  | 'NOT_FOUND'
  | 'INSUFFICIENT_FUNDS'
  /** The two accounts have different currencies. */
  | 'CURRENCY_MISMATCH'
  /** The balance of the other account could not be counted exactly any more. */
  | 'BALANCE_LIMIT'
  /** It was not taken out in time. */
  | 'EXPIRED';

export type Transfer = {
  __typename?: 'Transfer';
  /** The id of the event that it began with; its transactions have it as `transferId`. */
  id: Scalars['ID']['output'];
  /** Null where only the owner may see what is asked of it. */
  from?: Maybe<Account>;
  /** Null where only the owner may see what is asked of it: of another owner's account ask for the id alone. */
  to?: Maybe<Account>;
  amount: Scalars['MinorUnits']['output'];
  currency: Scalars['String']['output'];
  memo?: Maybe<Scalars['String']['output']>;
  requestedAt: Scalars['DateTime']['output'];
  /** When it expires unless the amount has been taken out by then. */
  expiresAt: Scalars['DateTime']['output'];
  status: TransferStatus;
  /** What has led to REFUSED, EXPIRED, RETURNING or COMPENSATED. */
  problem?: Maybe<TransferProblem>;
  /** When the status became what it is. */
  changedAt: Scalars['DateTime']['output'];
};

export type Account = {
  __typename?: 'Account';
  id: Scalars['ID']['output'];
};

export type TransferInput = {
  /** One of the caller's own. */
  fromAccountId: Scalars['ID']['input'];
  /** Anybody's, of the same currency. */
  toAccountId: Scalars['ID']['input'];
  /** Greater than zero. */
  amount: Scalars['MinorUnits']['input'];
  /** Up to 500 characters; both transactions have it. */
  memo?: InputMaybe<Scalars['String']['input']>;
  /** How long it may take until the amount is taken out: 1 to 86,400. */
  expiresInSeconds?: InputMaybe<Scalars['Int']['input']>;
  /** Up to 200 characters. The same key from the same owner is the same transfer, for ever. Transfers have keys of their own. */
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

export type TransferPayload = {
  __typename?: 'TransferPayload';
  transfer: Transfer;
};

export type TransferConnection = {
  __typename?: 'TransferConnection';
  nodes: Array<Transfer>;
  pageInfo: PageInfo;
};

export type PageInfo = {
  __typename?: 'PageInfo';
  hasNextPage: Scalars['Boolean']['output'];
  endCursor?: Maybe<Scalars['String']['output']>;
};



export type ResolverTypeWrapper<T> = Promise<T> | T;

export type ReferenceResolver<TResult, TReference, TContext> = (
      reference: TReference,
      context: TContext,
      info: GraphQLResolveInfo
    ) => Promise<TResult> | TResult;

      type ScalarCheck<T, S> = S extends true ? T : NullableCheck<T, S>;
      type NullableCheck<T, S> = Maybe<T> extends T ? Maybe<ListCheck<NonNullable<T>, S>> : ListCheck<T, S>;
      type ListCheck<T, S> = T extends (infer U)[] ? NullableCheck<U, S>[] : GraphQLRecursivePick<T, S>;
      export type GraphQLRecursivePick<T, S> = { [K in keyof T & keyof S]: ScalarCheck<T[K], S[K]> };

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

/** Mapping of federation types */
export type FederationTypes = {
  Transfer: Transfer;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  Transfer:
    ( { __typename: 'Transfer' }
    & GraphQLRecursivePick<FederationTypes['Transfer'], {"id":true}> );
};



/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  MinorUnits: ResolverTypeWrapper<Scalars['MinorUnits']['output']>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  TransferStatus: TransferStatus;
  TransferProblem: TransferProblem;
  Transfer: ResolverTypeWrapper<Transfer>;
  Account: ResolverTypeWrapper<Account>;
  TransferInput: TransferInput;
  TransferPayload: ResolverTypeWrapper<TransferPayload>;
  TransferConnection: ResolverTypeWrapper<TransferConnection>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DateTime: Scalars['DateTime']['output'];
  MinorUnits: Scalars['MinorUnits']['output'];
  Query: Record<PropertyKey, never>;
  ID: Scalars['ID']['output'];
  Int: Scalars['Int']['output'];
  String: Scalars['String']['output'];
  Mutation: Record<PropertyKey, never>;
  Subscription: Record<PropertyKey, never>;
  Transfer: Transfer | FederationReferenceTypes['Transfer'];
  Account: Account;
  TransferInput: TransferInput;
  TransferPayload: TransferPayload;
  TransferConnection: TransferConnection;
  PageInfo: PageInfo;
  Boolean: Scalars['Boolean']['output'];
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export interface MinorUnitsScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['MinorUnits'], any> {
  name: 'MinorUnits';
}

export type QueryResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  transfer?: Resolver<Maybe<ResolversTypes['Transfer']>, ParentType, ContextType, RequireFields<QueryTransferArgs, 'id'>>;
  transfers?: Resolver<ResolversTypes['TransferConnection'], ParentType, ContextType, RequireFields<QueryTransfersArgs, 'first'>>;
};

export type MutationResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  transfer?: Resolver<ResolversTypes['TransferPayload'], ParentType, ContextType, RequireFields<MutationTransferArgs, 'input'>>;
};

export type SubscriptionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  transferChanged?: SubscriptionResolver<ResolversTypes['Transfer'], "transferChanged", ParentType, ContextType, RequireFields<SubscriptionTransferChangedArgs, 'id'>>;
};

export type TransferResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Transfer'] = ResolversParentTypes['Transfer'], FederationReferenceType extends FederationReferenceTypes['Transfer'] = FederationReferenceTypes['Transfer']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['Transfer']> | FederationReferenceType, FederationReferenceType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  from?: Resolver<Maybe<ResolversTypes['Account']>, ParentType, ContextType>;
  to?: Resolver<Maybe<ResolversTypes['Account']>, ParentType, ContextType>;
  amount?: Resolver<ResolversTypes['MinorUnits'], ParentType, ContextType>;
  currency?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  memo?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  requestedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['TransferStatus'], ParentType, ContextType>;
  problem?: Resolver<Maybe<ResolversTypes['TransferProblem']>, ParentType, ContextType>;
  changedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type AccountResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Account'] = ResolversParentTypes['Account']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type TransferPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['TransferPayload'] = ResolversParentTypes['TransferPayload']> = {
  transfer?: Resolver<ResolversTypes['Transfer'], ParentType, ContextType>;
};

export type TransferConnectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['TransferConnection'] = ResolversParentTypes['TransferConnection']> = {
  nodes?: Resolver<Array<ResolversTypes['Transfer']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type Resolvers<ContextType = RequestContext> = {
  DateTime?: GraphQLScalarType;
  MinorUnits?: GraphQLScalarType;
  Query?: QueryResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  Transfer?: TransferResolvers<ContextType>;
  Account?: AccountResolvers<ContextType>;
  TransferPayload?: TransferPayloadResolvers<ContextType>;
  TransferConnection?: TransferConnectionResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
};
