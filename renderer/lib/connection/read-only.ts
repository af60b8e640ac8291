import { t } from '../text/i18n.svelte.ts';
import { notices } from '../state/notices.svelte.ts';
import { api } from './winnow.svelte.ts';

/** Says once that the library may only be read. Of one that cannot be opened, every view says so itself. */
export async function tellReadOnly(): Promise<void> {
  const state = await api.libraryState({}).catch(() => undefined);
  if (state?.readOnly !== true) return;
  notices.add({ tone: 'warning', message: t('shell.read-only'), hint: t('shell.read-only-hint') });
}
