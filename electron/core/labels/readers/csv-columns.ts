import type { LabelColumns, LabelPurpose } from '../../../shared/api/labels.ts';
import { AppError } from '../../../shared/errors.ts';
import { foldName } from '../../../shared/fold-name.ts';
import { shortened } from '../../../shared/shortened.ts';

/** Where in a row of a table everything stands. */
export interface CsvColumns {
  width: number; // columns that the header has
  /** The parts of the path of the picture, the file name last. */
  file: number[];
  /** The labels, the best first, each with its score where there is a column of it. */
  labels: { label: number; score: number | undefined }[];
  /** Left, upper, and width and height or right and lower; undefined for a table of images alone. */
  box: { at: number[]; corners: boolean; isShare: boolean | undefined } | undefined;
  /** Of Winnow's tables of a run that finds first: what each of its models says, and the finder's name. */
  stages: { found: number; foundScore: number; labelScore: number; finder: number | undefined } | undefined;
  size: { width: number; height: number } | undefined;
  /** Of Winnow's tables: why a file failed, whether a person said it. */
  status: number | undefined;
  error: number | undefined;
  review: { label: number; verified: number } | undefined;
}

const FILE_NAMES = [
  'relative_path',
  'absolute_path',
  'file',
  'filename',
  'file_name',
  'image',
  'image_path',
  'imagepath',
  'path',
  'filepath',
  'file_path',
  'image_name',
  'image_id',
  'img',
];
const FOLDER_NAMES = ['relativepath', 'folder', 'directory'];
const LABEL_NAMES = [
  'label',
  'class',
  'class_name',
  'species',
  'category',
  'category_name',
  'prediction',
  'predicted_label',
  'tag',
  'common_name',
  'animal',
];
const SCORE_NAMES = [
  'confidence',
  'score',
  'conf',
  'probability',
  'prob',
  'prediction_score',
  'confidence_score',
];
const BOXES: { names: string[]; corners: boolean; isShare: boolean | undefined }[] = [
  { names: ['bbox_left', 'bbox_top', 'bbox_width', 'bbox_height'], corners: false, isShare: true },
  { names: ['bbox_x', 'bbox_y', 'bbox_w', 'bbox_h'], corners: false, isShare: undefined },
  { names: ['xmin', 'ymin', 'xmax', 'ymax'], corners: true, isShare: undefined },
  { names: ['x_min', 'y_min', 'x_max', 'y_max'], corners: true, isShare: undefined },
  { names: ['x1', 'y1', 'x2', 'y2'], corners: true, isShare: undefined },
  { names: ['x', 'y', 'w', 'h'], corners: false, isShare: undefined },
  { names: ['left', 'top', 'right', 'bottom'], corners: true, isShare: undefined },
];
const RANKS = [2, 3, 4, 5];

/**
 * The columns of a table by the names in its header, in any case, or as a person chose them. Throws BAD_ARGUMENT when there is no
 * column of that name, or none by which images or labels could be told.
 */
export function findColumns(
  header: readonly string[],
  chosen: LabelColumns,
  { purpose, path }: { purpose: LabelPurpose['kind']; path: string },
): CsvColumns {
  const names = lookUp(header);
  const { at, first } = names;
  const wanted = (name: string) => {
    const index = at(name);
    if (index !== undefined) return index;
    throw missing(`Expected a column ${shortened(name)} in ${path}`, header, 'Name one of those.');
  };
  const file = chosen.file === undefined ? fileColumns(first) : [wanted(chosen.file)];
  if (file.length === 0)
    throw missing(
      `Expected a column with the names of files in ${path}`,
      header,
      'Name it with --file-column.',
    );
  const box =
    chosen.box === undefined
      ? boxColumns(at)
      : chosen.box === null
        ? undefined
        : { at: chosen.box.map(wanted), corners: chosen.corners ?? false, isShare: undefined };
  const isOurs = isWinnows(names);
  const isTold = isOurs && chosen.label === undefined; // whether a label is what Winnow has written there
  const labels =
    chosen.label === undefined
      ? labelColumns(names, purpose)
      : [{ label: wanted(chosen.label), score: first(SCORE_NAMES) }];
  const [best] = labels;
  if (best === undefined)
    throw missing(`Expected a column with labels in ${path}`, header, 'Name it with --label-column.');
  if (chosen.score !== undefined) best.score = chosen.score === null ? undefined : wanted(chosen.score);
  const [width, height, verified] = [at('width'), at('height'), at('verified')];
  const [found, foundScore, labelScore] = ['found_label', 'found_confidence', 'label_confidence'].map(at);
  const isStaged = found !== undefined && foundScore !== undefined && labelScore !== undefined;
  const said = at('human_label') ?? at('label');
  return {
    width: header.length,
    file,
    labels,
    box,
    stages: isTold && isStaged ? { found, foundScore, labelScore, finder: at('finder') } : undefined,
    size: width === undefined || height === undefined || !isOurs ? undefined : { width, height },
    status: isOurs ? at('status') : undefined,
    error: at('error'),
    review: isTold && said !== undefined && verified !== undefined ? { label: said, verified } : undefined,
  };
}

/** Where columns are by their names: one, or the first of several that there is. */
interface Names {
  at: (name: string) => number | undefined;
  first: (candidates: readonly string[]) => number | undefined;
}

function lookUp(header: readonly string[]): Names {
  const names = header.map((name) => foldName(name.trim()));
  const at = (name: string) => {
    const index = names.indexOf(foldName(name.trim()));
    return index < 0 ? undefined : index;
  };
  const first = (candidates: readonly string[]) => candidates.map(at).find((index) => index !== undefined);
  return { at, first };
}

/** The columns that are taken where a person names none, by their names in the header; none of what is not found. */
export function columnsByName(header: readonly string[], purpose: LabelPurpose['kind']): LabelColumns {
  const names = lookUp(header);
  const nameOf = (index: number | undefined) => (index === undefined ? undefined : header[index]?.trim());
  const [best] = labelColumns(names, purpose);
  const box = boxColumns(names.at);
  return {
    file: nameOf(fileColumns(names.first).at(-1)),
    label: nameOf(best?.label),
    score: nameOf(best?.score),
    box: box?.at.flatMap((index) => nameOf(index) ?? []),
    corners: box?.corners,
  };
}

/** Whether a table is an export of Winnow. */
function isWinnows({ at }: Names): boolean {
  return at('label_source') !== undefined || at('human_label') !== undefined;
}

/** The labels of a table by the names of its columns, the best first; none where there is no such column. */
function labelColumns(names: Names, purpose: LabelPurpose['kind']): CsvColumns['labels'] {
  const ours = isWinnows(names) ? ourLabels(names.at, purpose) : [];
  if (ours.length > 0) return ours;
  const label = names.first(LABEL_NAMES);
  return label === undefined ? [] : [{ label, score: names.first(SCORE_NAMES) }];
}

/** A column of paths, or folders and file names as Timelapse has them. */
function fileColumns(first: Names['first']): number[] {
  const file = first(FILE_NAMES);
  if (file === undefined) return [];
  const own = first([
    'relative_path',
    'absolute_path',
    'path',
    'filepath',
    'file_path',
    'image_path',
    'imagepath',
  ]);
  const folder = own === undefined ? first(FOLDER_NAMES) : undefined;
  return folder === undefined ? [file] : [folder, file];
}

function boxColumns(at: Names['at']): CsvColumns['box'] {
  for (const { names, corners, isShare } of BOXES) {
    const indices = names.flatMap((name) => at(name) ?? []);
    if (indices.length === names.length) return { at: indices, corners, isShare };
  }
  return undefined;
}

/**
 * In Winnow's tables: of the model for a run, of a person for reviews. In those with the names of earlier exports, `label` is
 * the model's and `human_label` the person's; in others `predicted_label` and `label`.
 */
function ourLabels(at: Names['at'], purpose: LabelPurpose['kind']): CsvColumns['labels'] {
  const model = at('predicted_label') === undefined ? 'label' : 'predicted_label';
  if (purpose === 'reviews') {
    const said = at('human_label') ?? at('label');
    return said === undefined ? [] : [{ label: said, score: undefined }];
  }
  const ranked = [model, ...RANKS.map((rank) => `${model}_${rank}`)];
  const scores = ['confidence', ...RANKS.map((rank) => `confidence_${rank}`)];
  return ranked.flatMap((name, rank) => {
    const label = at(name);
    return label === undefined ? [] : [{ label, score: at(scores[rank] ?? '') }];
  });
}

function missing(expected: string, header: readonly string[], hint: string): AppError {
  const names = header.slice(0, 12).map((name) => shortened(name));
  const more = header.length > 12 ? ' and more' : '';
  return new AppError('BAD_ARGUMENT', `${expected}, but its columns are ${names.join(', ')}${more}`, hint);
}
