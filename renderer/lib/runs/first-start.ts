import { SAMPLE_MODEL } from '../../../electron/shared/api/settings.ts';
import { attempt } from '../state/notices.svelte.ts';
import { router } from '../address/router.svelte.ts';
import { settings } from '../state/settings.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

/** Labels the sample pictures with the model that they were drawn for, and goes to that run. */
export async function labelSamples(): Promise<void> {
  await attempt(async () => {
    const { samples } = await api.libraryInfo({});
    const run = await api.queueRun({ folders: [samples], model: SAMPLE_MODEL });
    await settings.change({ welcomed: true });
    router.go(`/runs/${run.id}`);
  });
}
