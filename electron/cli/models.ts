import { Option } from 'commander';
import type { Command } from 'commander';
import type { ModelListing } from '../shared/api/models.ts';
import { CLASS_TOKEN_ARCHITECTURES } from '../shared/architectures.ts';
import type { ClassTokenArchitecture } from '../shared/architectures.ts';
import type { ModelPackage } from '../shared/model-package.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { addGetCommands } from './get-models.ts';
import { oneLine, quantity } from './format.ts';
import { addLibraryOption, numbers } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print } from './terminal.ts';
import { TASKS } from '../shared/tasks.ts';

interface ImportOptions {
  name: string;
  architecture?: ClassTokenArchitecture;
  labels?: string;
  tokenKeep?: string;
  pruningLayers?: number[];
  directions?: 'halved' | 'summed';
}

/** `winnow models ...`. */
export function addModelsCommands(program: Command): void {
  const models = program.command('models').description('list, check, import and remove model packages');
  addLibraryOption(models.command('list').description('list the models')).action(
    async ({ library }: LibraryOption) => {
      print(describeList(await withApp(library, (app) => app.listModels({}))));
    },
  );
  const show = models.command('show').description("show a model's card").argument('<name|file>');
  addLibraryOption(show).action(async (model: string, { library }: LibraryOption) => {
    print((await withApp(library, (app) => app.showModel({ model }))).card);
  });
  const verify = models
    .command('verify')
    .description('read every byte of a model and check it')
    .argument('<name|file>');
  addLibraryOption(verify).action(async (model: string, { library }: LibraryOption) => {
    const { name, bytes } = await withApp(library, (app) => app.verifyModel({ model }));
    print(`The model ${name} is sound (${quantity(bytes)}B read).\n`);
  });
  const remove = models.command('remove').description('delete a model that was imported').argument('<name>');
  addLibraryOption(remove).action(async (model: string, { library }: LibraryOption) => {
    await withApp(library, (app) => app.removeModel({ model }));
    print(`Removed the model ${model}.\n`);
  });
  addImportCommand(models);
  addGetCommands(models);
}

function addImportCommand(models: Command): void {
  const command = models
    .command('import')
    .description('turn a checkpoint (.pth) of the original project into a model package')
    .argument('<file>')
    .requiredOption('--name <name>', 'name of the new model')
    .addOption(
      new Option('--architecture <kind>', 'needed when the checkpoint does not tell').choices(
        CLASS_TOKEN_ARCHITECTURES,
      ),
    )
    .option(
      '--labels <file>',
      'one label per line: name, synset<TAB>name or id<TAB>name; <TAB>#rrggbb may follow',
    )
    .option(
      '--token-keep <r>',
      'trained share of patches kept: r for r, r^2, r^3, or one per stage with commas',
    )
    .option('--pruning-layers <list>', 'blocks before which patches are pruned, with commas', numbers)
    .addOption(
      new Option(
        '--directions <how>',
        'of segmentation and detection models: whether a block halves the sum of its two scan directions',
      ).choices(['halved', 'summed']),
    );
  addLibraryOption(command).action(
    async (file: string, { directions, library, ...options }: ImportOptions & LibraryOption) => {
      const halveDirections = directions === undefined ? {} : { halveDirections: directions === 'halved' };
      const model = await withApp(library, (app) =>
        app.importModel({ file, ...options, ...halveDirections }),
      );
      print(`Imported ${model.name}: ${describeShape(model)}.\n${oneLine(model.path)}\n`);
    },
  );
}

function describeShape({ manifest }: ModelPackage): string {
  const { task, architecture, embedDim, depth, imageSize, classes } = manifest;
  const size = `width ${embedDim}, depth ${depth}, ${imageSize} px, ${classes} classes`;
  return `${TASKS[task].isDense ? `${task} on ` : ''}${architecture}, ${size}`;
}

function describeList({ packages, damaged }: ModelListing): string {
  const rows = packages.map((model) => [
    model.name,
    describeShape(model),
    `${quantity(model.bytes)}B`,
    model.bundled ? 'comes with Winnow' : oneLine(model.path),
  ]);
  const list =
    rows.length === 0 ? 'There are no models.\n' : table([['NAME', 'MODEL', 'SIZE', 'PLACE'], ...rows]);
  return list + damaged.map(({ path, reason }) => `Not a model: ${oneLine(path)} (${reason})\n`).join('');
}
