import { basename, extname } from 'node:path';
import type { CheckpointReport } from '../../shared/api/models.ts';
import { nearestPackageName } from '../packages/package-name.ts';
import { detectorName } from '../models/detection-head.ts';
import { shapeProblem, tensorShapes } from '../models/tensor-shapes.ts';
import { elementCount } from '../packages/tensor-type.ts';
import { openCheckpoint } from './checkpoint-file.ts';
import { describeModel, openOptions } from './describe-model.ts';
import type { ModelDescription } from './describe-model.ts';
import { OTHER_MODEL_HINT, shapesOf } from './import-checkpoint.ts';
import { knownLabels } from './labels.ts';
import { badCheckpoint } from './pickle-values.ts';
import { findStateDict, withoutUnused } from './state-dict.ts';
import { forTask, isDense } from '../../shared/tasks.ts';
import { ARCHITECTURES, titlesOf } from '../../shared/architectures.ts';

type Option = CheckpointReport['questions'][number]['option'];

/**
 * What a checkpoint says of itself, and what its import has to be told. Reads its structure, not its tensors. Rejects with
 * NOT_FOUND or BAD_CHECKPOINT, as the import would.
 */
export async function inspectCheckpoint(
  path: string,
  taken: ReadonlySet<string>,
): Promise<Omit<CheckpointReport, 'known'>> {
  const file = await openCheckpoint(path);
  try {
    const state = findStateDict(file.root);
    const { questions, stopgap } = openOptions(state);
    const model = describeModel(state, { name: '', ...stopgap });
    const problem = shapeProblem(tensorShapes(model), shapesOf(withoutUnused(state)));
    if (problem !== undefined) throw badCheckpoint(problem, OTHER_MODEL_HINT);
    const open = new Set<Option>(questions.map(({ option }) => option));
    const report: Omit<CheckpointReport, 'known'> = {
      suggestedName: freeName(nearestPackageName(basename(path, extname(path))), taken),
      task: model.task,
      summary: summarise(model, open),
      classes: model.classes,
      parameters: [...tensorShapes(model).values()].reduce((sum, shape) => sum + elementCount(shape), 0),
      questions,
    };
    if (knownLabels(model, state) === undefined) {
      const question = `The checkpoint does not name its ${model.classes} classes; without a file of labels they are called class 0, class 1 and so on.`;
      report.questions = [...questions, { option: 'labels', question }];
    }
    return report;
  } finally {
    await file.close();
  }
}

function summarise(model: ModelDescription, open: ReadonlySet<Option>): string {
  const { embedDim, depth, imageSize, classes } = model;
  const registers = !isDense(model) && model.registers !== undefined ? `, ${model.registers} registers` : '';
  const size = `width ${embedDim}, ${depth} blocks, ${imageSize} x ${imageSize} pixels, ${classes} classes${registers}`;
  const dynamic = model.pruningLayers.length > 0 ? 'DyVM-' : '';
  return `${headText(model)}${dynamic}${backboneText(model, open)}: ${size}; ${pruningText(model, open)}.`;
}

function headText(model: ModelDescription): string {
  return forTask<ModelDescription, string>(model, {
    classification: () => '',
    segmentation: () => 'Segmentation, UperNet on ',
    detection: ({ head }) => `Detection, ${detectorName(head)} on `,
  });
}

function backboneText(model: ModelDescription, open: ReadonlySet<Option>): string {
  if (open.has('architecture')) return titlesOf(({ hasRegisters }) => !hasRegisters);
  return ARCHITECTURES[model.architecture].title;
}

function pruningText({ pruningLayers, tokenKeep }: ModelDescription, open: ReadonlySet<Option>): string {
  if (pruningLayers.length === 0) return 'no pruning of patches';
  return [
    `${pruningLayers.length} pruning stage${pruningLayers.length === 1 ? '' : 's'}`,
    ...(open.has('pruningLayers') ? [] : [`before blocks ${pruningLayers.join(', ')}`]),
    ...(open.has('tokenKeep')
      ? []
      : [`trained keep ratios ${tokenKeep.map((ratio) => ratio.toFixed(3)).join(', ')}`]),
  ].join(', ');
}

/** The name, or the first with a number behind it that nothing has. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number++;
  return `${name}-${number}`;
}
