import type { labelArguments } from '../../shared/api/labels.ts';
import type { Calls } from '../app/app-context.ts';
import type { LabelService } from '../services/label-service.ts';

export function labelCalls(labels: LabelService): Calls<keyof typeof labelArguments> {
  return {
    labelTable: (question) => labels.table(question),
    inspectLabels: (request) => labels.inspect(request),
    importLabels: (request) => labels.takeIn(request),
    cancelLabels: () => labels.cancel(),
  };
}
