import { ratios } from '../../electron/cli/format.ts';
import { parameterCount } from '../../electron/core/training/new-model.ts';
import type { ClassificationManifest, Manifest } from '../../electron/shared/model-package.ts';
import { forTask } from '../../electron/shared/tasks.ts';

/** A line of the table that has to be explained. */
const BLOCKS_KEPT = 'blocks kept';

/** The lines of a classifier's table. */
export const labelScores = (top1: number, blockKeep: number): Record<string, string> => ({
  'top-1, %': (100 * top1).toFixed(1),
  [BLOCKS_KEPT]: blockKeep.toFixed(3).replace(/^0/, ''),
});

/** What a card says that no manifest knows: sentences, but for the first and `tested`. */
export interface CardWords {
  about: string; // the first sentence, up to the names of the classes
  purpose: string;
  data: string;
  recipe: string;
  score: string; // what is measured, before the number of pictures
  tested: string; // the unseen pictures, behind their number
  compared: string; // what stands behind the table
  limits: readonly string[];
}

/** What a model reaches with a preset on pictures that it has not learned from. */
export interface Measured {
  preset: string;
  keep: number; // of the patches, in the first stage
  images: number;
  scores: Record<string, string>; // the other lines of the table, the same of all presets
}

export interface Card {
  manifest: Manifest;
  bytes: number; // of its package
  measured: readonly Measured[];
  words: CardWords;
}

/** The card of a bundled DyVM that Winnow trained, as Markdown. */
export function cardText({ manifest, bytes, measured, words }: Card): string {
  const { name, licence, labels } = manifest;
  const names = labels.map((label) => label.name).join(', ');
  const sections = [
    `# ${name}\n\n${words.about}: ${names}. ${words.purpose}`,
    `## Model\n\n${modelText(manifest, bytes)}`,
    `## Data\n\n${words.data}`,
    `## Recipe\n\n${words.recipe}`,
    `## Accuracy\n\n${accuracyText(measured, words)}`,
    `## Limits\n\n${words.limits.map((limit) => `- ${limit}`).join('\n')}`,
    `## Licence\n\n${licence}, as Winnow.`,
  ];
  return `${sections.join('\n\n')}\n`;
}

const list = (items: readonly unknown[]) => new Intl.ListFormat('en-GB').format(items.map(String));
const square = (side: number) => `${side}x${side}`;

/** The shape of a bundled DyVM-Vim, of so many bytes. */
export function modelText(manifest: Manifest, bytes: number): string {
  const { imageSize, patchSize, stride, embedDim, depth, stateDim, pruningLayers } = manifest;
  const apart = stride === patchSize ? '' : ` every ${stride} pixels`;
  const patches = (Math.floor((imageSize - patchSize) / stride) + 1) ** 2;
  const states = stateDim === 16 ? '' : `, ${stateDim} states`; // 16 is what the published models have
  const bits = bytes < 3 * parameterCount(manifest) ? 16 : 32;
  return (
    `${formOf(manifest)}: ${square(imageSize)} pixels, ` +
    `patches of ${square(patchSize)}${apart} (${patches} of them), width ${embedDim}, ${depth} blocks${states}. ` +
    `Patches are pruned before blocks ${list(pruningLayers)}; every block chooses its scan directions per image. ` +
    `${(bytes / 1e6).toFixed(1)} MB, ${bits}-bit weights.`
  );
}

/** What a model is, by its task. */
const formOf = (manifest: Manifest) =>
  forTask<Manifest, string>(manifest, {
    classification: () => 'DyVM-Vim, class token in the middle',
    segmentation: () => 'DyVM-Vim without class token, a light head of two convolutions, over windows',
    detection: () => 'DyVM-Vim without class token, a head in one stage with prototypes for masks',
  });

/** How a classifier was made: without pruning first, then as a DyVM. */
export function classifierRecipe(
  { name, tokenKeep, blockKeep, training }: Manifest,
  plain: Manifest,
): string {
  const epochs = [plain.training, training].map((trained) => `${trained?.recipe.epochs ?? 0} epochs`);
  return (
    `\`npm run ${name}\` makes it again: the same model without pruning from scratch, ${epochs[0]}, ` +
    `then as a DyVM that learns from it, ${epochs[1]}, token keep ratio ${tokenKeep[0]} (${ratios(tokenKeep)} by stage), ` +
    `block keep ratio ${blockKeep}. docs/training.md has the commands.`
  );
}

/** What stands behind a classifier's table. */
export function comparedWithPlain({ training }: ClassificationManifest): string {
  const held = training?.holdout;
  return `Balanced is as trained. The model without pruning is right for ${(100 * (held?.top1 ?? 0)).toFixed(1)} % of the ${held?.images.toLocaleString('en')} pictures that its training held out.`;
}

function accuracyText(measured: readonly Measured[], { score, tested, compared }: CardWords): string {
  const images = measured[0]?.images.toLocaleString('en');
  const lines = Object.keys(measured[0]?.scores ?? {});
  return [
    `${score} on ${images} ${tested}, by preset; r means r, r^2, r^3 of the patches in the three stages, block threshold 0.5.${lines.includes(BLOCKS_KEPT) ? ' "Blocks kept" is the share of scan directions that ran.' : ''}`,
    markdownTable([
      ['', ...measured.map(({ preset }) => preset)],
      ['r', ...measured.map(({ keep }) => String(keep))],
      ...lines.map((line) => [line, ...measured.map(({ scores }) => scores[line] ?? '')]),
    ]),
    compared,
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
