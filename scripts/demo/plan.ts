/**
 * What the owners do in their month: pure, and the same for the same seed. Amounts may be shares of what the account
 * then has, because the tight cases (everything, one cent too much) are the ones worth trying.
 */
import { createRandom, type Random } from './random.ts';

export type AccountName = 'everyday' | 'savings';
export const ACCOUNT_NAMES: readonly AccountName[] = ['everyday', 'savings'];

export type TransactionType = 'DEPOSIT' | 'WITHDRAWAL';

/** Whole minor units, or a share of what can be spent (rounded down). */
export type Amount = { minor: number } | { share: number };

/**
 * How often a request is sent with its one idempotency key: once; again after the answer; twice at the same time; or
 * again after the client has hung up on its first try.
 */
export type Repeat = 'once' | 'after' | 'together' | 'abandoned';

export type Move = {
  /** Unique among the owner's. */
  key: string;
  account: AccountName;
  type: TransactionType;
  amount: Amount;
  memo: string;
  repeat: Repeat;
  /** Whether the owner then asks for the balance that contains it. */
  readBack: boolean;
  /** What follows only if this one was acknowledged. */
  next?: Move;
};

/** A request that must be refused. */
export type Probe = { key: string; kind: ProbeKind; type: TransactionType };
export type ProbeKind = 'zero' | 'negative' | 'beyond' | 'foreign' | 'unknown' | 'reused';

/** Moves of one step are made at the same time, then the probe; steps follow one another. */
export type Step = { moves: Move[]; probe?: Probe };

export type OwnerPlan = { currency: string; openedTwice: boolean; steps: Step[] };

export type Plan = { seed: number; owners: OwnerPlan[]; moves: number };

const SHARE_REPEATED = 0.12;
const SHARE_PROBED = 0.06;
const SHARE_READ_BACK = 0.05;
const CURRENCIES = ['USD', 'USD', 'EUR', 'GBP'] as const;
const SHOPS = ['groceries', 'coffee', 'train', 'books', 'cinema', 'pharmacy', 'restaurant', 'phone', 'gifts'] as const;
const PROBES = ['zero', 'negative', 'beyond', 'foreign', 'unknown', 'reused', 'reused'] as const;
const DAYS = 30;

export function planOwners({ seed, owners }: { seed: number; owners: number }): Plan {
  const plans = Array.from({ length: owners }, (_, index) => planMonth(createRandom(seed, index)));
  return {
    seed,
    owners: plans,
    moves: plans.flatMap(({ steps }) => steps).reduce((sum, step) => sum + sizeOf(step), 0),
  };
}

const sizeOf = ({ moves }: Step) => moves.reduce((sum, { next }) => sum + (next ? 2 : 1), 0);

function planMonth(random: Random): OwnerPlan {
  const write = penOf(random);
  const salary = { minor: random.whole(180_000, 620_000) };
  const payday = random.whole(1, 27);
  const rentDay = random.whole(1, 28);
  // From a third of the salary to more than half: a rent that could not be paid twice.
  const rent = { minor: Math.round(salary.minor * (0.3 + random.whole(0, 35) / 100)) };
  const steps: Step[] = [write('opening', [deposit('everyday', { minor: random.whole(40_000, 240_000) })])];

  for (let day = 1; day <= DAYS; day += 1) {
    const on = (memo: string) => `day ${day}: ${memo}`;
    if (day === payday) steps.push(write(on('salary'), [deposit('everyday', salary), ...refund(random)]));
    if (day === rentDay) steps.push(write(on('rent'), [withdrawal('everyday', rent)]));
    if (day % 7 === payday % 7) steps.push(write(on('savings'), [transfer('everyday', 'savings', { share: 0.1 })]));
    for (let cards = random.whole(0, 2) + (day % 6 === 0 ? 1 : 0); cards > 0; cards -= 1) {
      const card = withdrawal('everyday', { minor: random.whole(150, 12_000) });
      const moves = random.chance(0.1) ? [card, ...refund(random, 1)] : [card];
      steps.push(write(on(`card, ${random.pick(SHOPS)}`), moves));
    }
  }
  steps.push(...monthsEnd(random, write));
  return { currency: random.pick(CURRENCIES), openedTwice: random.chance(0.1), steps };
}

/** The tight cases. */
function monthsEnd(random: Random, write: Pen): Step[] {
  const steps = [
    write('interest', [deposit('savings', { minor: random.whole(10, 900) })]),
    write('from savings', [transfer('savings', 'everyday', { share: 0.5 })]),
  ];
  // Two that can be covered each but not both: either may be refused, or both go through and overdraw.
  const race = write('race', [withdrawal('savings', { share: 0.7 }), withdrawal('savings', { share: 0.6 })]);
  if (random.chance(0.15)) steps.push(repeated(race, 'once'));
  // Covered by all that there is: a repetition that were counted beside it could not be.
  const all = write('everything', [withdrawal('everyday', { share: 1 })]);
  if (random.chance(0.3)) steps.push(repeated(all, random.pick(['after', 'together'])));
  return steps;
}

const repeated = ({ moves, ...step }: Step, repeat: Repeat): Step => ({
  ...step,
  moves: moves.map(move => ({ ...move, repeat })),
});

type Draft = Pick<Move, 'account' | 'type' | 'amount'> & { into?: AccountName };

const deposit = (account: AccountName, amount: Amount): Draft => ({ account, type: 'DEPOSIT', amount });
const withdrawal = (account: AccountName, amount: Amount): Draft => ({ account, type: 'WITHDRAWAL', amount });
const transfer = (from: AccountName, into: AccountName, amount: Amount): Draft => ({
  ...withdrawal(from, amount),
  into,
});
const refund = (random: Random, probability = 0.3): Draft[] =>
  random.chance(probability) ? [deposit('everyday', { minor: random.whole(100, 5_000) })] : [];

type Pen = (memo: string, drafts: readonly Draft[]) => Step;

/** Gives every move its key, and some a repetition, a reading back, a probe after them. */
function penOf(random: Random): Pen {
  let written = 0;
  const key = () => {
    written += 1;
    return String(written);
  };

  function moveOf({ into, ...draft }: Draft, memo: string): Move {
    const move = { key: key(), ...draft, memo, repeat: repeatOf(draft.type), readBack: random.chance(SHARE_READ_BACK) };
    return into ? { ...move, next: moveOf(deposit(into, draft.amount), memo) } : move;
  }

  function repeatOf(type: TransactionType): Repeat {
    if (!random.chance(SHARE_REPEATED)) return 'once';
    // Nobody can know what becomes of a withdrawal that was refused but also sent and abandoned before.
    return type === 'DEPOSIT' ? random.pick(['after', 'together', 'abandoned']) : random.pick(['after', 'together']);
  }

  return (memo, drafts) => {
    const moves = drafts.map(draft => moveOf(draft, memo));
    if (!random.chance(SHARE_PROBED)) return { moves };
    const type = random.pick<TransactionType>(['DEPOSIT', 'WITHDRAWAL']);
    return { moves, probe: { key: key(), kind: random.pick(PROBES), type } };
  };
}
