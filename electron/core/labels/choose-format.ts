import { extname, join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { shortJson, shortened } from '../../shared/shortened.ts';
import { spread } from '../../shared/spread.ts';
import { LABEL_FORMATS } from './formats.ts';
import type { LabelFormat, LabelSource } from './label-format.ts';
import { fileSource, peekFile } from './open-source.ts';
import { maps } from './readers/maps.ts';
import { hasClassNames, yolo } from './readers/yolo.ts';
import { isSideFile } from './side-files.ts';

const LOOKED_INTO = 200; // files of a kind, spread over all of them
const PEEK = 1 << 14; // bytes of each
/** Endings of the files of a folder that may be of labels, class maps aside. */
export const MAY_BE_LABELS: ReadonlySet<string> = new Set(['.json', '.xml', '.txt', '.csv', '.tsv']);

/** The format of what a person named, and what of that is read. */
export interface ChosenFormat {
  format: LabelFormat;
  source: LabelSource;
  /** Why it was taken, where a folder has files of other formats, too. */
  notice: string | undefined;
}

/**
 * The format of this name, or the one that a file or most files of a folder are of; of equally many, the one that has its
 * list of classes there, else the first of LABEL_FORMATS. Throws BAD_ARGUMENT when there is none, and where a folder has
 * several files each of which is all of it.
 */
export async function formatOf(source: LabelSource, name: string | undefined): Promise<ChosenFormat> {
  const named = name === undefined ? undefined : formatNamed(name);
  const { path, files } = source;
  if (files === undefined) {
    const format = named ?? LABEL_FORMATS.find((one) => one.recognise(source));
    if (format === undefined)
      throw noLabels(
        `Expected a file of labels in ${path}, but it begins with ${shortJson(source.start.slice(0, 60))}`,
      );
    return { format, source, notice: undefined };
  }
  const seen = await lookInto(path, files);
  const format = named ?? mostOf(seen, files);
  if (format === undefined) {
    const what = files.length === 0 ? 'is empty' : `holds files such as ${shortJson(files[0])}`;
    throw noLabels(`Expected a folder of labels in ${path}, but it ${what}`);
  }
  const notice = named === undefined ? noticeOf(path, format, seen) : undefined;
  if (format.perFile) return { format, source, notice };
  const own = seen.flatMap((one) => (one.format === format ? one.file : []));
  const [only, ...others] = own;
  if (only !== undefined && others.length === 0)
    return { format, source: await fileSource(join(path, only)), notice };
  const came = own.length === 0 ? 'none' : `${own.length}: ${own.slice(0, 5).join(', ')}`;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected one file of the format ${format.name} in ${path}, but it holds ${shortened(came)}`,
    'Name the file that is to be read.',
  );
}

const NAMES = LABEL_FORMATS.map((format) => format.name).join(', ');

function formatNamed(name: string): LabelFormat {
  const named = LABEL_FORMATS.find((format) => format.name === name);
  if (named !== undefined) return named;
  throw new AppError('BAD_ARGUMENT', `A format of labels must be one of ${NAMES}, but is ${shortJson(name)}`);
}

function noLabels(message: string): AppError {
  return new AppError('BAD_ARGUMENT', message, `The formats that are read are ${NAMES}; --format names one.`);
}

/** A file that may be of labels: of which format, or that it is an empty text. */
interface Seen {
  file: string; // relative
  format: LabelFormat | 'empty' | undefined;
}

/** Looks at the beginnings of files of a folder that may be of labels: at class maps only where there is nothing else. */
async function lookInto(path: string, files: readonly string[]): Promise<Seen[]> {
  const kinds = Map.groupBy(files, (file) => extname(file).toLowerCase());
  const seen: Seen[] = [];
  for (const [kind, all] of kinds) {
    if (!MAY_BE_LABELS.has(kind)) continue;
    for (const file of spread(
      all.filter((one) => !isSideFile(one)),
      LOOKED_INTO,
    ))
      seen.push(await look(path, file));
  }
  if (seen.some(({ format }) => typeof format === 'object')) return seen;
  for (const file of spread(kinds.get('.png') ?? [], LOOKED_INTO)) {
    const found = await look(path, file);
    if (found.format === maps) seen.push(found);
  }
  return seen;
}

async function look(path: string, file: string): Promise<Seen> {
  const peeked = await peekFile(join(path, file), PEEK);
  if (peeked.start.trim() === '') return { file, format: 'empty' };
  const format = LABEL_FORMATS.find((one) => one.recognise(peeked));
  // A text that is no table by its name may be anything.
  return { file, format: format?.name === 'csv' && /\.txt$/i.test(file) ? undefined : format };
}

/** The format of most files. Empty texts are YOLO's of pictures without anything, where something else tells of YOLO. */
function mostOf(seen: readonly Seen[], files: readonly string[]): LabelFormat | undefined {
  const counts = new Map<LabelFormat, number>();
  for (const { format } of seen)
    if (typeof format === 'object') counts.set(format, (counts.get(format) ?? 0) + 1);
  const isNamed = hasClassNames(files);
  const empty = seen.filter(({ file, format }) => format === 'empty' && /\.txt$/i.test(file)).length;
  if (empty > 0 && (isNamed || counts.has(yolo) || counts.size === 0))
    counts.set(yolo, (counts.get(yolo) ?? 0) + empty);
  const most = Math.max(...counts.values());
  const best = LABEL_FORMATS.filter((format) => counts.get(format) === most);
  return isNamed && best.includes(yolo) ? yolo : best[0];
}

function noticeOf(path: string, format: LabelFormat, seen: readonly Seen[]): string | undefined {
  const isOwn = ({ file, format: own }: Seen) =>
    own === format || (own === 'empty' && format === yolo && /\.txt$/i.test(file));
  const others = seen.filter((one) => !isOwn(one));
  const [other] = others;
  if (other === undefined) return undefined;
  const own = seen.length - others.length;
  return `${path} was read as ${format.name}, which ${own} of ${seen.length} files in it are that were looked at; others, such as ${shortened(other.file)}, are not (--format names another).`;
}
