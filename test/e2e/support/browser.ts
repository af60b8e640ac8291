import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { inTime } from './until.ts';

const candidates = [
  '/usr/bin/chromium-headless-shell', // takes half the processor time
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const binary = [process.env['WINNOW_CHROMIUM'], ...candidates].find((place) => place && existsSync(place));

/** Why tests in a browser cannot run here; false where they can. */
export const withoutBrowser =
  binary === undefined
    ? 'there is no Chromium: install the package chromium-headless-shell, or name its binary in WINNOW_CHROMIUM'
    : false;

let launched: Promise<Browser> | undefined;

/** The one Chromium of this process, until `closeBrowser`. */
export function openBrowser(): Promise<Browser> {
  launched ??= chromium.launch({
    ...(binary === undefined ? {} : { executablePath: binary }),
    // Chromium's own sandbox does not start for root.
    chromiumSandbox: process.getuid?.() !== 0,
  });
  return launched;
}

/** Ends Chromium; does nothing when it was not started. Rejects when it does not end in time. */
export async function closeBrowser(): Promise<void> {
  const browser = await launched;
  launched = undefined;
  if (browser !== undefined) await inTime('Chromium to end', browser.close());
}
