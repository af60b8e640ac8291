import { AppError } from '../../electron/shared/errors.ts';

/** Puts a text on the clipboard. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (cause) {
    const hint = 'Allow access to the clipboard for this page, then try again.';
    throw new AppError('FILE_SYSTEM', 'The browser did not let Winnow write to the clipboard', hint, {
      cause,
    });
  }
}
