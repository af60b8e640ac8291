import { basename } from 'node:path';
import type {
  DetectionManifest,
  Manifest,
  MaskRcnnHead,
  ModelPackage,
  OneStageHead,
  SegmentationManifest,
} from '../../shared/model-package.ts';
import { detectorName, isOneStage } from '../models/detection-head.ts';
import { countFlops, patchCount } from '../models/flops.ts';
import { standardPresets } from '../models/presets.ts';
import { isOfConvolutions } from '../models/segmentation-head.ts';
import { markedCard, trainingCard } from './training-card.ts';
import { forTask, TASKS } from '../../shared/tasks.ts';
import { ARCHITECTURES } from '../../shared/architectures.ts';

/** What the card says of a task's models beside the rows of all. */
interface TaskCard {
  architecture: (dynamic: string) => string; // dynamic: 'DyVM ' of a model that leaves patches out
  rows: [string, string][];
  directions: string; // behind what is said of all
}

function taskCard(manifest: Manifest): TaskCard {
  return forTask<Manifest, TaskCard>(manifest, {
    classification: ({ architecture }) => {
      const { title, about } = ARCHITECTURES[architecture];
      return { architecture: (dynamic) => `${dynamic}${title} (${about})`, rows: [], directions: '' };
    },
    segmentation: (model) => {
      const { head, imageSize } = model;
      const windows = `windows of ${imageSize} pixels every ${head.slideStride}`;
      const features = isOfConvolutions(head) ? '' : ` features behind blocks ${head.taps.join(', ')};`;
      const size = `${head.width} channels;${features} ${windows}`;
      return {
        architecture: (dynamic) =>
          `segmentation: ${isOfConvolutions(head) ? 'convolutions' : 'UperNet'} on ${dynamic}Vim`,
        ...denseCard(model, size),
      };
    },
    detection: (model) => {
      const { head } = model;
      return {
        architecture: (dynamic) => `detection: ${detectorName(head)} on ${dynamic}Vim`,
        ...denseCard(model, isOneStage(head) ? oneStageSize(head) : maskRcnnSize(head)),
      };
    },
  });
}

function denseCard(
  { rotary, halveDirections }: SegmentationManifest | DetectionManifest,
  size: string,
): Omit<TaskCard, 'architecture'> {
  return {
    rows: [
      ['Head', size],
      ['Positions', `learnt${rotary ? ', and rotations before every block' : ''}`],
    ],
    directions: `; ${halveDirections ? 'their sum halved' : 'summed'}`,
  };
}

function maskRcnnSize({ width, boxWidth, stages }: MaskRcnnHead): string {
  const cascade = stages === 1 ? 'one stage' : `${stages} stages`;
  return `${width} channels, ${boxWidth} values per box, ${cascade}`;
}

function oneStageSize({ width, layers, prototypes }: OneStageHead): string {
  const masks = prototypes === undefined ? 'boxes without masks' : `masks of ${prototypes} prototypes`;
  return `${width} channels, towers of ${layers} convolutions; ${masks}`;
}

/** What a person wants to know of a model, from its manifest, as lines of text. */
export function modelCard({ name, path, bytes, bundled, manifest }: ModelPackage): string {
  const training = trainingOf(manifest);
  const card = taskCard(manifest);
  const rows: [string, string][] = [
    ['Model', `${name}${bundled ? ' (came with Winnow)' : ''}`],
    // What comes with Winnow lies in its own folder, where nobody looks for it.
    ['File', `${bundled ? basename(path) : path}, ${(bytes / 1e6).toFixed(1)} MB`],
    ['Architecture', card.architecture(manifest.pruningLayers.length > 0 ? 'DyVM ' : '')],
    ['Size', `width ${manifest.embedDim}, ${manifest.depth} blocks, ${manifest.classes} classes`],
    ['Input', `${manifest.imageSize} x ${manifest.imageSize} pixels, ${patchCount(manifest)} patches`],
    ...card.rows,
    ['Patch pruning', pruningText(manifest)],
    ['Scan directions', directionText(manifest) + card.directions],
    ...presetRows(manifest),
    [
      'Labels',
      `${manifest.labels
        .slice(0, 3)
        .map((label) => label.name)
        .join(', ')}, ...`,
    ],
    ...(training === undefined ? originRows(manifest) : []),
    ['Licence', manifest.licence],
    ...publishedRows(manifest),
  ];
  const text = rows.map(([label, text]) => `${label.padEnd(17)}${text}\n`).join('');
  return training === undefined ? text : `${text}\n${training}`;
}

/** How a model was trained here, if it was. */
function trainingOf(manifest: Manifest): string | undefined {
  return forTask<Manifest, string | undefined>(manifest, {
    classification: ({ training }) => training && trainingCard(training),
    segmentation: ({ training }) => training && markedCard(training),
    detection: ({ training }) => training && markedCard(training),
  });
}

/** Of an imported model; one that was trained here says more below. */
function originRows({ provenance }: Manifest): [string, string][] {
  return [
    ['Weights from', `${provenance.file} (${provenance.weights})`],
    ['SHA-256 of that', provenance.sha256],
  ];
}

/** Of a model that came from the catalogue. */
function publishedRows({ published }: Manifest): [string, string][] {
  if (published === undefined) return [];
  const { top1, dataSet, source, citation, page } = published;
  return [
    ['Published top-1', `${top1.toFixed(1)} % of the validation pictures of ${dataSet} (${source})`],
    ['To be cited as', citation],
    ['Page', page],
  ];
}

function pruningText({ pruningLayers, tokenKeep }: Manifest): string {
  if (pruningLayers.length === 0) return 'none';
  const ratios = tokenKeep.map((ratio) => ratio.toFixed(3)).join(', ');
  return `before blocks ${pruningLayers.join(', ')}; trained keep ratios ${ratios}`;
}

function directionText({ blockSelection, blockKeep }: Manifest): string {
  const trained = blockKeep === undefined ? '' : `; trained keep ratio ${blockKeep}`;
  return blockSelection ? `chosen per image and block${trained}` : 'both in every block';
}

/** Presets of a model that prunes nothing are all alike, so it has one row. */
function presetRows(manifest: Manifest): [string, string][] {
  if (manifest.pruningLayers.length === 0) return [['Work', workText(manifest, [])]];
  return standardPresets(manifest).map(({ name, tokenKeep }) => [
    `Preset ${name}`,
    workText(manifest, tokenKeep),
  ]);
}

function workText(manifest: Manifest, tokenKeep: readonly number[]): string {
  const { original, actual } = countFlops(manifest, tokenKeep, manifest.blockKeep ?? 1);
  const unit = TASKS[manifest.task].hasWindows ? 'GFLOPs per window' : 'GFLOPs';
  return `${(actual / 1e9).toFixed(3)} ${unit} (${(original / 1e9).toFixed(3)} as the paper counts)`;
}
