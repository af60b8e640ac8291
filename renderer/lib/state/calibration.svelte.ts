import type { CalibrationReport } from '../../../electron/shared/calibration.ts';
import type { AppArguments } from '../../../electron/shared/app-api.ts';
import { announce } from './announcer.svelte.ts';
import { t } from '../text/i18n.svelte.ts';
import { attempt } from './notices.svelte.ts';
import { queue } from './queue.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

class Calibrating {
  /** Name of the model that is being measured. */
  model: string | undefined = $state();
  /** Counts the curves that were measured, so that views read them again. */
  changes = $state(0);

  /** Measures a model; resolves to undefined when that was cancelled or failed, which a notice then says. */
  async start(
    request: AppArguments<'calibrate'> & { model: string },
  ): Promise<CalibrationReport | undefined> {
    this.model = request.model;
    const report = await attempt(() => api.calibrate(request));
    this.model = undefined;
    queue.calibrating = undefined;
    if (report) {
      this.changes++;
      announce(t('calibration.done', { model: report.modelName }));
    }
    return report;
  }

  cancel(): Promise<undefined> {
    return attempt(() => api.cancelCalibration({}));
  }
}

export const calibrating = new Calibrating();
