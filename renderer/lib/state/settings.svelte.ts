import type { Settings } from '../../../electron/shared/api/settings.ts';
import { locale } from '../text/i18n.svelte.ts';
import { chooseLanguage } from '../text/messages.ts';
import { attempt, read } from './notices.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

class SettingsState {
  /** Undefined until read. */
  current: Settings | undefined = $state.raw();

  async load(): Promise<void> {
    const settings = await read('settings', () => api.settings({}));
    if (settings) this.use(settings);
  }

  async change(changes: Partial<Settings>): Promise<void> {
    const settings = await attempt(() => api.changeSettings(changes));
    if (settings) this.use(settings);
  }

  private use(settings: Settings): void {
    this.current = settings;
    locale.language = chooseLanguage(settings.language, navigator.languages);
    document.documentElement.lang = locale.language;
    document.documentElement.dataset['theme'] = settings.theme;
  }
}

export const settings = new SettingsState();
