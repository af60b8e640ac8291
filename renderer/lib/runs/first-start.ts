import { attempt } from '../state/notices.svelte.ts';
import { router } from '../address/router.svelte.ts';
import { settings } from '../state/settings.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

/** Labels the sample pictures with the models that they were drawn for, and goes to the first of these runs. */
export async function labelSamples(): Promise<void> {
  await attempt(async () => {
    const { samples } = await api.libraryInfo({});
    const ids: number[] = [];
    for (const { folder, model } of samples) ids.push((await api.queueRun({ folders: [folder], model })).id);
    await settings.change({ welcomed: true });
    router.go(`/runs/${ids[0] ?? ''}`);
  });
}
