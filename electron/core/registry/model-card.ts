import type { Manifest, ModelPackage } from '../../shared/model-package.ts';
import { countFlops, patchCount } from '../models/flops.ts';
import { standardPresets } from '../models/presets.ts';
import { trainingCard } from './training-card.ts';

const CLASSIFIERS: Record<Manifest['architecture'], string> = {
  vim: 'Vim (class token in the middle)',
  videomamba: 'VideoMamba (class token first)',
  mambareg: 'MambaReg (registers between the patches)',
};

/** What a person wants to know of a model, from its manifest, as lines of text. */
export function modelCard({ name, path, bytes, bundled, manifest }: ModelPackage): string {
  const training = manifest.task === 'classification' ? manifest.training : undefined;
  const rows: [string, string][] = [
    ['Model', `${name}${bundled ? ' (came with Winnow)' : ''}`],
    ['File', `${path}, ${(bytes / 1e6).toFixed(1)} MB`],
    ['Architecture', architectureText(manifest)],
    ['Size', `width ${manifest.embedDim}, ${manifest.depth} blocks, ${manifest.classes} classes`],
    ['Input', `${manifest.imageSize} x ${manifest.imageSize} pixels, ${patchCount(manifest)} patches`],
    ...headRows(manifest),
    ['Patch pruning', pruningText(manifest)],
    ['Scan directions', directionText(manifest)],
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
  ];
  const card = rows.map(([label, text]) => `${label.padEnd(17)}${text}\n`).join('');
  return training === undefined ? card : `${card}\n${trainingCard(training)}`;
}

/** Of an imported model; one that was trained here says more below. */
function originRows({ provenance }: Manifest): [string, string][] {
  return [
    ['Weights from', `${provenance.file} (${provenance.weights})`],
    ['SHA-256 of that', provenance.sha256],
  ];
}

function architectureText(manifest: Manifest): string {
  const dynamic = manifest.pruningLayers.length > 0 ? 'DyVM ' : '';
  switch (manifest.task) {
    case 'classification':
      return dynamic + CLASSIFIERS[manifest.architecture];
    case 'segmentation':
      return `segmentation: UperNet on ${dynamic}Vim`;
    case 'detection':
      return `detection: ${manifest.head.stages > 1 ? 'Cascade ' : ''}Mask R-CNN on ${dynamic}Vim`;
  }
}

/** What only segmentation and detection models have. */
function headRows(manifest: Manifest): [string, string][] {
  if (manifest.task === 'classification') return [];
  const { head, imageSize } = manifest;
  const size =
    manifest.task === 'segmentation'
      ? `${head.width} channels; features behind blocks ${manifest.head.taps.join(', ')}; windows of ${imageSize} pixels every ${manifest.head.slideStride}`
      : `${head.width} channels, ${manifest.head.boxWidth} values per box, ${manifest.head.stages === 1 ? 'one stage' : `${manifest.head.stages} stages`}`;
  return [
    ['Head', size],
    ['Positions', `learnt${manifest.rotary ? ', and rotations before every block' : ''}`],
  ];
}

function pruningText({ pruningLayers, tokenKeep }: Manifest): string {
  if (pruningLayers.length === 0) return 'none';
  const ratios = tokenKeep.map((ratio) => ratio.toFixed(3)).join(', ');
  return `before blocks ${pruningLayers.join(', ')}; trained keep ratios ${ratios}`;
}

function directionText(manifest: Manifest): string {
  const { blockSelection, blockKeep } = manifest;
  const trained = blockKeep === undefined ? '' : `; trained keep ratio ${blockKeep}`;
  const chosen = blockSelection ? `chosen per image and block${trained}` : 'both in every block';
  return manifest.task === 'classification'
    ? chosen
    : `${chosen}; ${manifest.halveDirections ? 'their sum halved' : 'summed'}`;
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
  const unit = manifest.task === 'segmentation' ? 'GFLOPs per window' : 'GFLOPs';
  return `${(actual / 1e9).toFixed(3)} ${unit} (${(original / 1e9).toFixed(3)} as the paper counts)`;
}
