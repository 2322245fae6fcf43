/**
 * The dice of property tests fall in every run alike, so that what is red is red because of a change. `PROPERTY_SEED=$RANDOM npx vitest
 * run <file>` looks where nobody has looked yet; what is found there becomes a test of its own.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });
