import { BLANK } from '../core/results/box-counts.ts';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import { isInside } from '../core/files/inside.ts';
import { displayNames, findClasses } from '../core/models/class-names.ts';
import { STATUSES } from '../shared/api/results.ts';
import type { ResultFilter } from '../shared/api/results.ts';
import { AppError } from '../shared/errors.ts';
import { foldName } from '../shared/fold-name.ts';
import type { Label } from '../shared/model-package.ts';
import { number } from './options.ts';
import { realPath } from '../core/files/real-path.ts';

/** Options that choose images of a run. */
export interface FilterOptions {
  minConfidence?: number;
  contains?: string;
  folder?: string;
  minScore?: number;
  label?: string;
  only?: 'ok' | 'failed';
  status?: (typeof STATUSES)[number];
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--min-confidence <x>', 'only images whose best class has at least this confidence', number)
    .option(
      '--label <name>',
      "only images with this label: a person's, else the model's (a name or a synset; '' where nothing was found)",
    )
    .option('--contains <name>', 'only images in which this class was found, or marked by a person')
    .option(
      '--folder <path>',
      "only images in this folder and those below it: a path below the run's folder, or a whole path",
    )
    .option('--min-score <x>', 'objects below this count as not found (default: 0.5)', number)
    .addOption(
      new Option(
        '--status <status>',
        'only images that are so; corrected: verified with another label; blank: without any',
      ).choices(STATUSES),
    )
    .addOption(
      new Option('--only <status>', 'the same as --status').choices(['ok', 'failed']).conflicts('status'),
    );
}

/**
 * The filter that the options mean for a run. Throws BAD_ARGUMENT for a label that neither model nor review has, and for a
 * folder in which no image of the run lies.
 */
export async function toFilter(
  app: AppService,
  runId: number,
  { minConfidence, minScore, label, contains, folder, only, status }: FilterOptions,
): Promise<ResultFilter> {
  return {
    minConfidence,
    minScore,
    status: status ?? only,
    labels: label === undefined ? undefined : await labelsOf(app, runId, label),
    contains: contains === undefined ? undefined : await labelsOf(app, runId, contains),
    ...(folder === undefined ? {} : await placeOf(app, runId, folder)),
  };
}

/** The folder that a person means by a path. */
async function placeOf(
  app: AppService,
  runId: number,
  path: string,
): Promise<Pick<ResultFilter, 'folder' | 'folderId'>> {
  const { run } = await app.showRun({ runId });
  const place = isAbsolute(path) ? await wholePlace(app, run.spec.folders, path) : { folder: below(path) };
  if (place !== undefined) {
    const { imageIds } = await app.findImages({ runId, filter: place, sort: 'path' });
    if (imageIds.length > 0) return place;
  }
  throw new AppError(
    'BAD_ARGUMENT',
    `No image of run ${runId} lies in a folder ${path}`,
    `Name one below ${run.spec.folders.join(' or ')}, such as station/day, or its whole path.`,
  );
}

/**
 * Where an absolute path lies in the innermost of the folders that hold it; undefined where none does. Folders are listed by
 * their real paths, so a path that leads there by a link, or on Windows in another case, is resolved; it is tried as it is
 * written first, since a folder may hold links, too.
 */
async function wholePlace(
  app: AppService,
  folders: readonly string[],
  path: string,
): Promise<{ folder: string; folderId: number } | undefined> {
  const listed = (await app.listFolders({})).filter((one) => folders.includes(one.path));
  for (const whole of [resolve(path), await realPath(path).catch(() => resolve(path))]) {
    const holding = listed.filter((one) => whole === one.path || isInside(whole, one.path));
    const innermost = holding.sort((one, other) => other.path.length - one.path.length)[0];
    if (innermost) return { folder: below(relative(innermost.path, whole)), folderId: innermost.id };
  }
  return undefined;
}

/** A path below a folder, as the library has it. */
function below(path: string): string {
  const parts = path.split(sep === '/' ? '/' : /[/\\]/);
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

/** The labels as they are shown that a person means by a name or a synset. */
async function labelsOf(app: AppService, runId: number, label: string): Promise<string[]> {
  if (label === '') return [label];
  const { run } = await app.showRun({ runId });
  const { classes, own } = await app.classNames({ runId });
  const shown = new Set([...classes, ...own]);
  const wanted = foldName(label.trim());
  const found = new Set([...shown].filter((name) => foldName(name) === wanted));
  const labels = await manifestLabels(app, run.spec.modelName);
  const names = displayNames(labels);
  for (const index of findClasses(labels, label)) {
    const name = names[index];
    if (name !== undefined && shown.has(name)) found.add(name);
  }
  if (run.spec.find !== undefined && wanted === BLANK) found.add(BLANK); // images without boxes
  if (found.size > 0) return [...found];
  throw new AppError(
    'BAD_ARGUMENT',
    `The model ${run.spec.modelName} has no class ${label}`,
    `\`winnow models show ${run.spec.modelName}\` lists its classes.`,
  );
}

/** Classes with their synsets; none when the package was removed since. */
async function manifestLabels(app: AppService, model: string): Promise<readonly Label[]> {
  try {
    return (await app.showModel({ model })).model.manifest.labels;
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}
