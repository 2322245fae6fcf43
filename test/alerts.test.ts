/**
 * What Prometheus is told to say, and when. It runs the cases itself: promtool test rules deploy/prometheus/alerts.test.yml. That every
 * metric they ask for is exposed is held in visible.test.ts.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const fileOf = (name: string) => parse(readFileSync(new URL(`../deploy/prometheus/${name}`, import.meta.url), 'utf8'));

const ALERTS = z.object({ groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string() })) })) });
const CASES = z.object({
  tests: z.array(
    z.object({ alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })) }),
  ),
});

test('each alert has a case in which it fires and one in which it does not', () => {
  const { groups } = ALERTS.parse(fileOf('alerts.yml'));
  const { tests } = CASES.parse(fileOf('alerts.test.yml'));
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  const named = (isFiring: boolean) =>
    [
      ...new Set(cases.filter(each => each.exp_alerts.length > 0 === isFiring).map(({ alertname }) => alertname)),
    ].sort();
  const alerts = groups.flatMap(group => group.rules.map(({ alert }) => alert)).sort();
  expect(alerts.length).toBeGreaterThan(0);
  expect(named(true)).toEqual(alerts);
  expect(named(false)).toEqual(alerts);
});
