import type { Manifest, ModelPackage } from '../../shared/model-package.ts';
import { countFlops, patchCount } from '../flops.ts';
import { standardPresets } from '../presets.ts';

const ARCHITECTURES: Record<Manifest['architecture'], string> = {
  vim: 'Vim (class token in the middle)',
  videomamba: 'VideoMamba (class token first)',
  mambareg: 'MambaReg (registers between the patches)',
};

/** What a person wants to know of a model, from its manifest, as lines of text. */
export function modelCard({ name, path, bytes, bundled, manifest }: ModelPackage): string {
  const rows: [string, string][] = [
    ['Model', `${name}${bundled ? ' (came with Winnow)' : ''}`],
    ['File', `${path}, ${(bytes / 1e6).toFixed(1)} MB`],
    [
      'Architecture',
      `${manifest.pruningLayers.length > 0 ? 'DyVM ' : ''}${ARCHITECTURES[manifest.architecture]}`,
    ],
    ['Size', `width ${manifest.embedDim}, ${manifest.depth} blocks, ${manifest.classes} classes`],
    ['Input', `${manifest.imageSize} x ${manifest.imageSize} pixels, ${patchCount(manifest)} patches`],
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
    ['Weights from', `${manifest.provenance.file} (${manifest.provenance.weights})`],
    ['SHA-256 of that', manifest.provenance.sha256],
    ['Licence', manifest.licence],
  ];
  return rows.map(([label, text]) => `${label.padEnd(17)}${text}\n`).join('');
}

function pruningText({ pruningLayers, tokenKeep }: Manifest): string {
  if (pruningLayers.length === 0) return 'none';
  const ratios = tokenKeep.map((ratio) => ratio.toFixed(3)).join(', ');
  return `before blocks ${pruningLayers.join(', ')}; trained keep ratios ${ratios}`;
}

function directionText({ blockSelection, blockKeep }: Manifest): string {
  if (!blockSelection) return 'both in every block';
  return `chosen per image and block${blockKeep === undefined ? '' : `; trained keep ratio ${blockKeep}`}`;
}

/** Presets of a model that prunes nothing are all alike, so they are left out. */
function presetRows(manifest: Manifest): [string, string][] {
  const presets = manifest.pruningLayers.length > 0 ? standardPresets(manifest) : [];
  return presets.map(({ name, tokenKeep }) => {
    const { original, actual } = countFlops(manifest, tokenKeep, manifest.blockKeep ?? 1);
    return [
      `Preset ${name}`,
      `${(actual / 1e9).toFixed(3)} GFLOPs (${(original / 1e9).toFixed(3)} as the paper counts)`,
    ];
  });
}
