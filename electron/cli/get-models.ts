import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import type { AvailableModel, Download } from '../shared/api/downloads.ts';
import { FIGURE_OF_MEAN, NO_LICENCE_STATED } from '../shared/catalogue.ts';
import type { ModelUse } from '../shared/catalogue.ts';
import { AppError } from '../shared/errors.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { bytes, oneLine } from './format.ts';
import { watchUntilEnd } from './interrupt.ts';
import { addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print } from './terminal.ts';

const USES: Record<ModelUse, string> = {
  dial: 'every day: leaves out what a picture does not need, so the dial makes it faster',
  teach: 'to be taught: `winnow train --from` makes a model of your own classes, or a DyVM, of it',
  detail: 'small things: sees a patch every 8 pixels, which takes four times the work',
  accuracy: 'the last percent: high accuracy at full work; cannot be taught here',
};

const WEIGHT = 4; // bytes

interface GetOptions {
  as?: string;
  name?: string;
}

/** `winnow models available`, `get` and `export`. */
export function addGetCommands(models: Command): void {
  const available = models
    .command('available')
    .description('list the models that others have published and `get` fetches')
    .argument('[name]', 'all that is known of one');
  addLibraryOption(available).action(async (name: string | undefined, { library }: LibraryOption) => {
    const known = await withApp(library, (app) => app.availableModels({}));
    print(name === undefined ? listOf(known) : detailsOf(found(known, name)));
  });
  const get = models
    .command('get')
    .description('fetch a published model and import it, or import a file that somebody brought')
    .argument('<name|file>', 'a name that `available` lists, or a .pth or .safetensors file')
    .option('--as <name>', 'the model of the catalogue whose file it is, where its name does not tell')
    .option('--name <name>', 'name of the new model, of a file (default: its own)');
  addLibraryOption(get).action(async (model: string, { library, ...options }: GetOptions & LibraryOption) => {
    print(
      await withApp(library, (app) => (isFile(model) ? importFile(app, model, options) : fetch(app, model))),
    );
  });
  const toFolder = models
    .command('export')
    .description('copy a model into a folder, such as one on a stick, for the next computer')
    .argument('<name>')
    .requiredOption('--to <folder>', 'a folder that is there');
  addLibraryOption(toFolder).action(
    async (model: string, { to, library }: { to: string } & LibraryOption) => {
      const file = await withApp(library, (app) => app.exportModel({ model, folder: to }));
      print(`${oneLine(file)}\nOn the next computer: winnow models get ${oneLine(basename(file))}\n`);
    },
  );
}

function isFile(text: string): boolean {
  return /[/\\]/.test(text) || /\.(pth|pt|safetensors)$/i.test(text) || existsSync(text);
}

/** Fetches a model, shows how far it is, and says what came of it. */
async function fetch(app: AppService, model: string): Promise<string> {
  const ended = untilEnded(app, model);
  const ending = {
    announcement: 'Pausing; press Ctrl-C again to quit at once.',
    cancel: () => app.pauseDownload({ model }),
  };
  const download = await watchUntilEnd(
    app,
    async () => {
      await app.startDownload({ model });
      return await ended;
    },
    ending,
  );
  const { phase, done, error, package: made } = download;
  if (error !== undefined) throw new AppError(error.code, error.message, error.hint);
  if (phase === 'paused')
    throw new AppError(
      'CANCELLED',
      `Paused; ${bytes(done)} of ${model} are here`,
      `\`winnow models get ${model}\` goes on.`,
    );
  return `${model} is here, as the model ${made}.\n${nextSteps(made ?? model)}`;
}

function untilEnded(app: AppService, model: string): Promise<Download> {
  return new Promise((resolve) => {
    const unsubscribe = app.subscribe((event) => {
      if (event.type !== 'download' || event.download.model !== model) return;
      if (!['done', 'paused', 'failed'].includes(event.download.phase)) return;
      unsubscribe();
      resolve(event.download);
    });
  });
}

/** Imports a file that somebody brought; the catalogue says what a known one needs. */
async function importFile(app: AppService, file: string, options: GetOptions): Promise<string> {
  const ownName = basename(file, extname(file));
  if (extname(file).toLowerCase() === '.safetensors') {
    const { name } = await app.importModel({ file, name: options.name ?? ownName });
    return `${name} is here.\n${nextSteps(name)}`;
  }
  const { known, questions, suggestedName, summary } = await app.inspectCheckpoint({ file });
  const as = options.as ?? known?.name;
  if (as === undefined && questions.some(({ option }) => option !== 'labels')) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The file is none that the catalogue knows, and leaves something open: ${summary}`,
      'Say whose file it is with --as and a name that `winnow models available` lists, or use `winnow models import`.',
    );
  }
  const name = options.name ?? (options.as === undefined ? suggestedName : options.as);
  const made = await app.importModel({ file, name, ...(as === undefined ? {} : { known: as }) });
  const what = as === undefined ? 'a file that the catalogue does not know' : `${as} of the catalogue`;
  return `${made.name} is here, from ${what}.\n${nextSteps(made.name)}`;
}

function nextSteps(name: string): string {
  return [
    `winnow models show ${name}        what it is, and how to cite it`,
    `winnow calibrate --model ${name}  measures it on this computer, so that presets can be chosen`,
    `winnow run <folder> --model ${name}`,
    '',
  ].join('\n');
}

function found(available: readonly AvailableModel[], name: string): AvailableModel {
  const one = available.find(({ model }) => model.name === name);
  if (one !== undefined) return one;
  throw new AppError(
    'NOT_FOUND',
    `There is no model ${name} in the catalogue`,
    '`winnow models available` lists what it has.',
  );
}

function listOf(available: readonly AvailableModel[]): string {
  const rows = available.map(({ model, packages, download }) => [
    model.name,
    model.title,
    `${model.published.top1.toFixed(1)} %`,
    `${Math.round((model.parameters * WEIGHT) / 1e6)} MB`,
    model.licence ?? 'none stated',
    stateOf(packages, download),
  ]);
  return `${table([['NAME', 'MODEL', 'TOP-1', 'WEIGHTS', 'LICENCE', 'HERE'], ...rows])}
Top-1 is what its makers publish for ImageNet-1K. Weights: as the model lies here then; the file that is fetched may hold
more. \`winnow models available NAME\` tells where it comes from, \`winnow models get NAME\` fetches it.
`;
}

function stateOf(packages: readonly string[], download: Download | undefined): string {
  if (packages.length > 0) return packages.join(', ');
  return download === undefined || download.done === 0 ? 'no' : `${bytes(download.done)} so far`;
}

function detailsOf({ model, packages, download }: AvailableModel): string {
  const { title, classes, imageSize, parameters, published, isFigureOfMean, licence, use, file } = model;
  const rows = [
    ['Model', title],
    ['Knows', `${classes.toLocaleString('en')} classes of ImageNet-1K, pictures at ${imageSize} pixels`],
    ['Good for', USES[use]],
    [
      'Published',
      `top-1 ${published.top1.toFixed(1)} % of the validation pictures of ${published.dataSet} (${published.source})`,
    ],
    ...(isFigureOfMean ? [['', FIGURE_OF_MEAN]] : []),
    ['Weights', `${parameters.toLocaleString('en')}, ${bytes(parameters * WEIGHT)}`],
    ['Size', file.bytes === undefined ? 'the host says it when it is asked' : bytes(file.bytes)],
    [
      'SHA-256',
      file.sha256 ?? (file.host === 'google-drive' ? 'not known' : 'the host says it when it is asked'),
    ],
    ['Licence', licence ?? NO_LICENCE_STATED],
    ['Cite', published.citation],
    ['Page', published.page],
    ['File', file.address],
    ['Here', stateOf(packages, download)],
  ];
  return rows.map(([label = '', text = '']) => `${label.padEnd(11)}${text}\n`).join('');
}
