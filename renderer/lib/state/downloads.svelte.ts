import type { AvailableModel, Download } from '../../../electron/shared/api/downloads.ts';
import { api } from '../connection/winnow.svelte.ts';
import { attempt } from './notices.svelte.ts';

const OVER: readonly Download['phase'][] = ['done', 'paused', 'failed'];

/** Whether a download is at work, so that it can be paused. */
export const isFetching = ({ phase }: Pick<Download, 'phase'>): boolean => !OVER.includes(phase);

class Downloads {
  /** What was last heard of each, by the name of its model. */
  heard: Readonly<Record<string, Download>> = $state.raw({});
  /** Counts the downloads that ended, so that lists of models are fetched again. */
  changes = $state(0);

  /** Takes in an event; gives the download when this event ended it. */
  hear(download: Download): Download | undefined {
    this.heard = { ...this.heard, [download.model]: download };
    if (isFetching(download)) return undefined;
    this.changes++;
    return download;
  }

  /** The newer of a download in a list and the one of the last event; undefined where nothing has come. */
  latest({ model, download }: AvailableModel): Download | undefined {
    const known = this.heard[model.name] ?? download;
    return known?.phase === 'paused' && known.done === 0 ? undefined : known;
  }

  start = (model: string) => attempt(() => api.startDownload({ model }));
  pause = (model: string) => attempt(() => api.pauseDownload({ model }));
  cancel = (model: string) => attempt(() => api.cancelDownload({ model }));
}

export const downloads = new Downloads();
