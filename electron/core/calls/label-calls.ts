import type { labelArguments } from '../../shared/api/labels.ts';
import type { Calls } from '../app/app-context.ts';
import { labelTable } from '../labels/label-table.ts';
import type { LabelService } from '../services/label-service.ts';

export function labelCalls(labels: LabelService): Calls<keyof typeof labelArguments> {
  return {
    labelTable: ({ path, format, purpose }) => labelTable(path, format, purpose),
    inspectLabels: (request) => labels.inspect(request),
    importLabels: (request) => labels.takeIn(request),
    cancelLabels: () => labels.cancel(),
  };
}
