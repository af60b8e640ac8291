import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What of a page breaks the rules of WCAG 2.1, levels A and AA: rule, what it wants, and the elements. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(`typeof axe === 'undefined' ? (() => { ${axe} })() : undefined`);
  return page.evaluate<string[]>(`
    axe.run(document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] },
      resultTypes: ['violations'],
    }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => id + ': ' + help + ': ' + nodes.map(({ html, any }) =>
        html.slice(0, 200) + ' (' + any.map(({ message }) => message).join('; ') + ')').join(' | ')),
    )
  `);
}
