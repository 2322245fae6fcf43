import fc, { type Arbitrary } from 'fast-check';

/** Once in so many times the other thing; what goes wrong with it is tried with the usual one too. */
export const sometimes = <Usual, Other>(
  times: number,
  usual: Arbitrary<Usual>,
  other: Arbitrary<Other>,
): Arbitrary<Usual | Other> =>
  fc.oneof({ withCrossShrink: true }, { weight: times - 1, arbitrary: usual }, { weight: 1, arbitrary: other });
