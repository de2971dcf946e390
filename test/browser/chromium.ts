import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

const executablePath =
  process.env['CHROMIUM'] ??
  ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find((path) =>
    existsSync(path),
  );

if (executablePath === undefined)
  console.warn('The browser tests are skipped: no Chromium here (CHROMIUM may name one).');

/** Tests that are skipped without a browser. */
export function inBrowser(name: string, tests: () => void): void {
  (executablePath === undefined ? describe.skip : describe)(name, tests);
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
];

/** Starts the browser, which asks nothing of other computers. @param more flags of the command line */
export function launchChromium(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, args: [...flags, ...more] });
}

/** Errors that a page throws or writes to its console. The browser writes there what the policy of the page refuses. */
export function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  return errors;
}
