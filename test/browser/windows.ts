/** A system and a browser for the tests of a file, and windows that are held to what no page may do. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type System, startSystem, stopAll, temporaryFolder } from '../system.ts';
import { launchBrowser, openWindow, signInAs, type Visit, type Watched } from './browser.ts';

export type Windows = {
  /** Where the system keeps its data. */
  folder: string;
  system(): System;
  /** A window that nothing has been asked of yet; it is closed after the test. */
  blank(visit?: Visit): Promise<Watched>;
  /** One of somebody who has signed in. */
  open(name: string, path?: string, visit?: Visit): Promise<Page>;
};

/** Registers the hooks that start and stop them; to be called where the tests are described. The system is an embedded one. */
export function useWindows(): Windows {
  const folder = temporaryFolder();
  let system: System | undefined;
  let browser: Browser | undefined;
  let opened: Watched[] = [];

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem(folder.path, 0, { AUTH_SECRET: '' }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stopAll();
    folder.remove();
  });
  // Whatever a page is used for: it asks nobody but the system, throws nothing, and keeps to its content security policy.
  afterEach(async () => {
    const seen = opened;
    opened = [];
    await Promise.all(seen.map(({ context }) => context.close()));
    expect(seen.flatMap(({ external, complaints }) => [...external, ...complaints])).toEqual([]);
  });

  const started = (): System => {
    if (!system) throw new Error('the system has not been started');
    return system;
  };
  async function blank(visit?: Visit): Promise<Watched> {
    if (!browser) throw new Error('the browser has not been started');
    const watched = await openWindow(browser, started().url, visit);
    opened.push(watched);
    return watched;
  }

  return {
    folder: folder.path,
    system: started,
    blank,
    async open(name, path = '/', visit) {
      const { page } = await blank(visit);
      await signInAs(page, name, path);
      return page;
    },
  };
}
