import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const executablePath =
  process.env['CHROMIUM'] ??
  ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find((path) =>
    existsSync(path),
  );

if (executablePath === undefined)
  console.warn('The browser tests are skipped: no Chromium here (CHROMIUM may name one).');

/** `describe`, where there is a browser. */
export const inBrowser: typeof describe.skip = executablePath === undefined ? describe.skip : describe;

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
}
