import { ratios } from '../../electron/cli/format.ts';
import type { ClassificationManifest } from '../../electron/shared/model-package.ts';

/** What a card says that no manifest knows. */
export interface CardWords {
  things: string; // that it tells apart
  purpose: string; // sentences, as are `data` and each of `limits`
  data: string;
  tested: string; // the unseen pictures, behind their number
  limits: readonly string[];
}

/** What a model reaches with a preset on pictures that it has not learned from. */
export interface Measured {
  preset: string;
  keep: number; // of the patches, in the first stage
  images: number;
  top1: number; // share, 0 to 1
  blockKeep: number; // share of scan directions that ran
}

export interface Card {
  manifest: ClassificationManifest;
  bytes: number; // of its package
  /** The model without pruning that it learned from. */
  plain: ClassificationManifest;
  measured: readonly Measured[];
  words: CardWords;
}

/** The card of a bundled DyVM that Winnow trained, as Markdown. */
export function cardText({ manifest, bytes, plain, measured, words }: Card): string {
  const { name, licence, labels } = manifest;
  const { things, purpose } = words;
  const names = labels.map((label) => label.name).join(', ');
  const sections = [
    `# ${name}\n\nA small DyVM-Vim that tells ${things} apart: ${names}. ${purpose}`,
    `## Model\n\n${modelText(manifest, bytes)}`,
    `## Data\n\n${words.data}`,
    `## Recipe\n\n${recipeText(manifest, plain)}`,
    `## Accuracy\n\n${accuracyText(measured, plain, words.tested)}`,
    `## Limits\n\n${words.limits.map((limit) => `- ${limit}`).join('\n')}`,
    `## Licence\n\n${licence}, as Winnow.`,
  ];
  return `${sections.join('\n\n')}\n`;
}

const list = (items: readonly unknown[]) => new Intl.ListFormat('en-GB').format(items.map(String));
const square = (side: number) => `${side}x${side}`;

/** The shape of a bundled DyVM-Vim, of so many bytes. */
export function modelText(manifest: ClassificationManifest, bytes: number): string {
  const { imageSize, patchSize, stride, embedDim, depth, stateDim, pruningLayers } = manifest;
  const apart = stride === patchSize ? '' : ` every ${stride} pixels`;
  const patches = (Math.floor((imageSize - patchSize) / stride) + 1) ** 2;
  const states = stateDim === 16 ? '' : `, ${stateDim} states`; // 16 is what the published models have
  return (
    `DyVM-Vim, class token in the middle: ${square(imageSize)} pixels, ` +
    `patches of ${square(patchSize)}${apart} (${patches} of them), width ${embedDim}, ${depth} blocks${states}. ` +
    `Patches are pruned before blocks ${list(pruningLayers)}; every block chooses its scan directions per image. ` +
    `${(bytes / 1e6).toFixed(1)} MB, 32-bit weights.`
  );
}

function recipeText(
  { name, tokenKeep, blockKeep, training }: ClassificationManifest,
  plain: ClassificationManifest,
): string {
  const epochs = [plain.training, training].map((trained) => `${trained?.recipe.epochs ?? 0} epochs`);
  return (
    `\`npm run ${name}\` makes it again: the same model without pruning from scratch, ${epochs[0]}, ` +
    `then as a DyVM that learns from it, ${epochs[1]}, token keep ratio ${tokenKeep[0]} (${ratios(tokenKeep)} by stage), ` +
    `block keep ratio ${blockKeep}. docs/training.md has the commands.`
  );
}

function accuracyText(measured: readonly Measured[], { training }: ClassificationManifest, tested: string) {
  const images = measured[0]?.images.toLocaleString('en');
  const held = training?.holdout;
  return [
    `Top-1 on ${images} ${tested}, by preset; r means r, r^2, r^3 of the patches in the three stages, block threshold 0.5. "Blocks kept" is the share of scan directions that ran.`,
    markdownTable([
      ['', ...measured.map(({ preset }) => preset)],
      ['r', ...measured.map(({ keep }) => String(keep))],
      ['top-1, %', ...measured.map(({ top1 }) => (100 * top1).toFixed(1))],
      ['blocks kept', ...measured.map(({ blockKeep }) => blockKeep.toFixed(3).replace(/^0/, ''))],
    ]),
    `Balanced is as trained. The model without pruning is right for ${(100 * (held?.top1 ?? 0)).toFixed(1)} % of the ${held?.images.toLocaleString('en')} pictures that its training held out.`,
  ].join('\n\n');
}

/** Names on the left, numbers on the right. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const padded = rows.map((row) =>
    line(
      row.map((text, column) =>
        column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
      ),
    ),
  );
  const rule = line(
    widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)),
  );
  return [padded[0], rule, ...padded.slice(1)].join('\n');
}
