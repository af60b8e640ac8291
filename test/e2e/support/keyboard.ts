import type { Locator, Page } from 'playwright-core';
import { until } from './until.ts';

const LONGEST_WAY = 80; // presses of Tab

/** Presses Tab until the element has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, element: Locator): Promise<void> {
  await element.waitFor();
  for (let press = 0; press < LONGEST_WAY; press++) {
    if (await hasFocus(element)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${LONGEST_WAY} presses of Tab do not reach ${String(element)}`);
}

export async function hasFocus(element: Locator): Promise<boolean> {
  return (await element.and(element.page().locator(':focus')).count()) > 0;
}

export async function hasValue(field: Locator, value: string): Promise<void> {
  await until(
    `the value ${value}`,
    () => field.inputValue(),
    (found) => found === value,
  );
}

/** Puts a text in the place of what stands in a field. */
export async function typeInto(page: Page, field: Locator, text: string): Promise<void> {
  await tabTo(page, field);
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(text);
}
