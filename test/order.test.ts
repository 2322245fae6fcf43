import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { testAnyOrder } from './anyorder.ts';
import { definitions } from './order.ts';

/** A service that was made by `npm run new-service` has this test in its own folder. */
const hasItsOwn = (name: string) => existsSync(new URL(`../subgraphs/${name}/order.test.ts`, import.meta.url));

describe.each(
  definitions.filter(({ name }) => !hasItsOwn(name)).map(definition => [definition.name, definition] as const),
)('%s', (_, definition) => testAnyOrder(definition));
