// Generated from schema.graphql and nodes.ts by `npm run compose`: change those.
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { MobileAccountNode, MobileMovementNode } from './nodes.ts';
import type { RequestContext } from '../../subgraphs/host.ts';
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
  /** A whole number of the currency's minor units (cents), as a JSON integer within ±(2^53 - 1). */
  MinorUnits: { input: number; output: number; }
  _FieldSet: { input: string; output: string; }
};

export type Query = {
  __typename?: 'Query';
  /** What a phone shows first: the caller's own accounts with what happened last, in one read. It may be a moment behind. */
  mobileHome: MobileHome;
};

export type Mutation = {
  __typename?: 'Mutation';
  /** Pays into an account of the caller's own. Acknowledged and durable, as any deposit. */
  mobileDeposit: MobileDepositPayload;
};


export type MutationMobileDepositArgs = {
  input: MobileDepositInput;
};

export type MobileHome = {
  __typename?: 'MobileHome';
  /** Oldest first, 20 at most. */
  accounts: Array<MobileAccount>;
  /** Whether there are more accounts than are shown. */
  more: Scalars['Boolean']['output'];
};

export type MobileAccount = {
  __typename?: 'MobileAccount';
  /** The account, for whatever else other services know of it. */
  account: Account;
  name: Scalars['String']['output'];
  currency: Scalars['String']['output'];
  amount: Scalars['MinorUnits']['output'];
  /** How many transactions are in the amount. */
  version: Scalars['Int']['output'];
  /** The time of the latest transaction in it; null before the first. */
  asOf?: Maybe<Scalars['DateTime']['output']>;
  /** The last 10, newest first, whichever way they came in. */
  movements: Array<MobileMovement>;
};

export type Account = {
  __typename?: 'Account';
  id: Scalars['ID']['output'];
};

export type MobileMovement = {
  __typename?: 'MobileMovement';
  /** The id of the event. */
  id: Scalars['ID']['output'];
  /** Signed: negative for what was taken out. */
  amount: Scalars['MinorUnits']['output'];
  memo?: Maybe<Scalars['String']['output']>;
  time: Scalars['DateTime']['output'];
  /** By which way a deposit came in: ACCOUNT, MOBILE, TRANSFER, or one of a service that was added since; null for what was taken out. */
  channel?: Maybe<Scalars['String']['output']>;
  /** Whether it is in the amount. */
  settled: Scalars['Boolean']['output'];
};

export type MobileDepositInput = {
  accountId: Scalars['ID']['input'];
  /** Greater than zero, 1,000,000,000 at most. */
  amount: Scalars['MinorUnits']['input'];
  /** Up to 500 characters. */
  memo?: InputMaybe<Scalars['String']['input']>;
  /** Up to 200 characters. The same key from the same owner, by phone, is the same deposit, for ever. */
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

export type MobileDepositPayload = {
  __typename?: 'MobileDepositPayload';
  account: Account;
  movement: MobileMovement;
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
  MinorUnits: ResolverTypeWrapper<Scalars['MinorUnits']['output']>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  MobileHome: ResolverTypeWrapper<Omit<MobileHome, 'accounts'> & { accounts: Array<ResolversTypes['MobileAccount']> }>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  MobileAccount: ResolverTypeWrapper<MobileAccountNode>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Account: ResolverTypeWrapper<Account>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  MobileMovement: ResolverTypeWrapper<MobileMovementNode>;
  MobileDepositInput: MobileDepositInput;
  MobileDepositPayload: ResolverTypeWrapper<Omit<MobileDepositPayload, 'movement'> & { movement: ResolversTypes['MobileMovement'] }>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DateTime: Scalars['DateTime']['output'];
  MinorUnits: Scalars['MinorUnits']['output'];
  Query: Record<PropertyKey, never>;
  Mutation: Record<PropertyKey, never>;
  MobileHome: Omit<MobileHome, 'accounts'> & { accounts: Array<ResolversParentTypes['MobileAccount']> };
  Boolean: Scalars['Boolean']['output'];
  MobileAccount: MobileAccountNode;
  String: Scalars['String']['output'];
  Int: Scalars['Int']['output'];
  Account: Account;
  ID: Scalars['ID']['output'];
  MobileMovement: MobileMovementNode;
  MobileDepositInput: MobileDepositInput;
  MobileDepositPayload: Omit<MobileDepositPayload, 'movement'> & { movement: ResolversParentTypes['MobileMovement'] };
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export interface MinorUnitsScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['MinorUnits'], any> {
  name: 'MinorUnits';
}

export type QueryResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  mobileHome?: Resolver<ResolversTypes['MobileHome'], ParentType, ContextType>;
};

export type MutationResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  mobileDeposit?: Resolver<ResolversTypes['MobileDepositPayload'], ParentType, ContextType, RequireFields<MutationMobileDepositArgs, 'input'>>;
};

export type MobileHomeResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['MobileHome'] = ResolversParentTypes['MobileHome']> = {
  accounts?: Resolver<Array<ResolversTypes['MobileAccount']>, ParentType, ContextType>;
  more?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type MobileAccountResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['MobileAccount'] = ResolversParentTypes['MobileAccount']> = {
  account?: Resolver<ResolversTypes['Account'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  currency?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  amount?: Resolver<ResolversTypes['MinorUnits'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  asOf?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  movements?: Resolver<Array<ResolversTypes['MobileMovement']>, ParentType, ContextType>;
};

export type AccountResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Account'] = ResolversParentTypes['Account']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type MobileMovementResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['MobileMovement'] = ResolversParentTypes['MobileMovement']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  amount?: Resolver<ResolversTypes['MinorUnits'], ParentType, ContextType>;
  memo?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  time?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  channel?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  settled?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type MobileDepositPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['MobileDepositPayload'] = ResolversParentTypes['MobileDepositPayload']> = {
  account?: Resolver<ResolversTypes['Account'], ParentType, ContextType>;
  movement?: Resolver<ResolversTypes['MobileMovement'], ParentType, ContextType>;
};

export type Resolvers<ContextType = RequestContext> = {
  DateTime?: GraphQLScalarType;
  MinorUnits?: GraphQLScalarType;
  Query?: QueryResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  MobileHome?: MobileHomeResolvers<ContextType>;
  MobileAccount?: MobileAccountResolvers<ContextType>;
  Account?: AccountResolvers<ContextType>;
  MobileMovement?: MobileMovementResolvers<ContextType>;
  MobileDepositPayload?: MobileDepositPayloadResolvers<ContextType>;
};
