/** What there is to try, for each of the three kinds of user. */
export type Kind = 'client' | 'operator' | 'developer';

export type Example = { query: string; variables?: Record<string, unknown> };

export type Workspace = {
  title: string;
  /** Who it is for, as a person of the embedded system. */
  person: string;
  examples: readonly Example[];
};

/** In variables, what the playground puts an id in place of when it sends them. */
export const OWN_ACCOUNT = '<your account>';
export const NEWEST_REPLAY = '<the newest replay>';

const client: readonly Example[] = [
  {
    query: `# Opens an account, which the other examples act
# on from then on. The same idempotency key is
# the same account, however often it is sent.
mutation OpenAccount($input: OpenAccountInput!) {
  openAccount(input: $input) {
    account {
      id
      name
      currency
      balance {
        amount
        version
      }
    }
  }
}
`,
    variables: { input: { name: 'Everyday', currency: 'USD', idempotencyKey: 'playground-account' } },
  },
  {
    query: `# Amounts are whole minor units: 12500 is
# 125.00. Send it twice: it happens once, for
# one key. The account is the one that you have
# opened last in this tab, or else your first.
mutation Deposit($input: TransactionInput!) {
  deposit(input: $input) {
    transaction {
      id
      status
      amount
      memo
    }
    account {
      id
      name
    }
  }
}
`,
    variables: {
      input: { accountId: OWN_ACCOUNT, amount: 12_500, memo: 'salary', idempotencyKey: 'playground-deposit-1' },
    },
  },
  {
    query: `# The account now, then each time its balance
# changes. Deposit in another window meanwhile:
# every result stays in the log, with the time
# it came.
subscription WatchBalance($accountId: ID!) {
  balanceChanged(accountId: $accountId) {
    id
    name
    balance {
      amount
      version
      asOf
    }
    ledger(first: 1) {
      nodes {
        amount
        eventType
      }
    }
  }
}
`,
    variables: { accountId: OWN_ACCOUNT },
  },
  {
    query: `# Why it is this amount: every version of the
# balance, with the event that explains it.
query Statement($accountId: ID!) {
  account(id: $accountId) {
    id
    name
    balance {
      amount
      version
    }
    transactions(first: 5) {
      nodes {
        type
        amount
        memo
        status
        time
      }
    }
    ledger(first: 5) {
      nodes {
        version
        amount
        balance
        eventType
        eventId
      }
    }
  }
}
`,
    variables: { accountId: OWN_ACCOUNT },
  },
  {
    query: `# More than there is: the error says so in
# extensions.code, and nothing is acknowledged.
mutation WithdrawTooMuch($input: TransactionInput!) {
  withdraw(input: $input) {
    transaction {
      id
    }
  }
}
`,
    variables: { input: { accountId: OWN_ACCOUNT, amount: 1_000_000_000 } },
  },
];

const operator: readonly Example[] = [
  {
    query: `# What waits for each service: in events, and in
# the age of the oldest in seconds.
query Services {
  services {
    name
    consumes
    emits
    lagEvents
    lagSeconds
    faults
  }
}
`,
  },
  {
    query: `# The lake, filtered. Take endCursor for "after"
# to go on.
query Events($filter: EventFilter, $after: String) {
  events(filter: $filter, first: 10, after: $after, order: NEWEST_FIRST) {
    totalCount
    nodes {
      position
      id
      type
      source
      subject
      time
      data
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: { filter: { types: ['deposited', 'withdrawn'], from: '2020-01-01T00:00:00Z' } },
  },
  {
    query: `# Counts what a replay would send, and sends
# nothing. Without dryRun it sends: a healthy
# service is not changed by it.
mutation DryRun($input: ReplayInput!) {
  replay(input: $input) {
    id
    status
    total
    applied
  }
}
`,
    variables: { input: { service: 'reporting', mode: 'REPAIR', dryRun: true, reason: 'trying it out' } },
  },
  {
    query: `# How a replay comes on, as it does.
subscription Progress($id: ID!) {
  replayProgress(id: $id) {
    status
    total
    applied
    eventsPerSecond
    secondsLeft
    differences
    error
  }
}
`,
    variables: { id: NEWEST_REPLAY },
  },
  {
    query: `# What was set aside because it could not be
# handled. The mutation "resubmit" sends it
# again.
query Faults {
  faults(first: 10) {
    nodes {
      id
      service
      error
      eventId
      deliveries
      time
      resubmittedAt
    }
  }
}
`,
  },
];

const developer: readonly Example[] = [
  {
    query: `# One operation, every service: accounts and
# balances from account, the ledger from
# balance, statistics from reporting, services
# and events from lake.
query Everything {
  accounts(first: 3) {
    nodes {
      id
      ownerId
      name
      balance {
        amount
        version
      }
      ledger(first: 2) {
        nodes {
          version
          balance
          eventType
        }
      }
      statistics(interval: ALL) {
        deposits
        deposited
        largest
      }
    }
  }
  services {
    name
    lagEvents
  }
  events(first: 3, order: NEWEST_FIRST) {
    nodes {
      position
      type
      source
    }
  }
}
`,
  },
  {
    query: `# Every event as the lake stores it from now on.
# Nothing comes until something happens: deposit
# in another window meanwhile.
subscription Tail($filter: EventFilter) {
  eventStored(filter: $filter) {
    position
    type
    source
    subject
    time
    data
    causationId
  }
}
`,
    variables: { filter: {} },
  },
  {
    query: `# What clients may ask for. What the services
# ask of each other (_entities, _service) is not
# among it.
query Schema {
  __schema {
    queryType {
      fields {
        name
        description
      }
    }
    mutationType {
      fields {
        name
      }
    }
    subscriptionType {
      fields {
        name
        description
      }
    }
  }
}
`,
  },
];

export const WORKSPACES: Readonly<Record<Kind, Workspace>> = {
  client: { title: 'Client developer', person: 'alice', examples: client },
  operator: { title: 'Operator', person: 'olga', examples: operator },
  developer: { title: 'Developer', person: 'olga', examples: developer },
};

export const KINDS: readonly Kind[] = ['client', 'operator', 'developer'];
