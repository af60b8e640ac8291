import { t } from '../text/i18n.svelte.ts';
import { notices } from '../state/notices.svelte.ts';
import { api } from './winnow.svelte.ts';

/** Shows once that the library can only be read. That it cannot be opened at all, every view says itself. */
export async function tellReadOnly(): Promise<void> {
  const state = await api.libraryState({}).catch(() => undefined);
  if (state?.readOnly !== true) return;
  notices.add({ tone: 'warning', message: t('shell.read-only'), hint: t('shell.read-only-hint') });
}
