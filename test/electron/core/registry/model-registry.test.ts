import assert from 'node:assert/strict';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { partialPath } from '../../../../electron/core/files/partial-files.ts';
import { ModelRegistry, type ModelFolders } from '../../../../electron/core/registry/model-registry.ts';
import { sha256OfFile } from '../../../../electron/core/packages/sha256.ts';
import { abandonedPath } from '../../support/abandoned-path.ts';
import { bundledModels, everydayLabels } from '../../support/models.ts';
import { appError } from '../app-error.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { writeTinyPackage } from '../packages/tiny-package.ts';

/** A registry with `bundled` in one folder and `own` in the other. */
async function sample(context: TestContext): Promise<{ registry: ModelRegistry; folders: ModelFolders }> {
  const folders = {
    bundledFolder: await temporaryFolder(context),
    userFolder: await temporaryFolder(context),
  };
  await writeTinyPackage(folders.bundledFolder, 'bundled');
  await writeTinyPackage(folders.userFolder, 'own');
  return { registry: new ModelRegistry(folders), folders };
}

test('lists both folders by name, and keeps damaged files apart', async (context) => {
  const { registry, folders } = await sample(context);
  await writeFile(join(folders.userFolder, 'broken.safetensors'), 'no package');
  await writeFile(join(folders.userFolder, '.own.safetensors.1.partial'), 'unfinished');
  const models = await registry.list();
  assert.deepEqual(
    models.map(({ name, bundled }) => [name, bundled]),
    [
      ['bundled', true],
      ['own', false],
    ],
  );
  const { damaged } = await registry.scan();
  assert.deepEqual(
    damaged.map(({ path }) => path),
    [join(folders.userFolder, 'broken.safetensors')],
  );
});

test('a folder that does not exist is empty', async () => {
  const registry = new ModelRegistry({ bundledFolder: '/nowhere/a', userFolder: '/nowhere/b' });
  assert.deepEqual(await registry.list(), []);
  await assert.rejects(registry.find('x'), appError('NOT_FOUND', /no model named x/));
});

test('finds by name and by path; a name that is missing lists those that are there', async (context) => {
  const { registry, folders } = await sample(context);
  const path = join(folders.userFolder, 'own.safetensors');
  assert.equal((await registry.find('own')).path, path);
  assert.deepEqual(await registry.find(path), await registry.find('own'));
  const moved = join(await temporaryFolder(context), 'moved.safetensors');
  await rename(path, moved);
  assert.equal((await registry.find(moved)).name, 'moved');
  await assert.rejects(registry.find('own'), (error) => {
    assert.ok(appError('NOT_FOUND', /no model named own/)(error));
    assert.ok(error instanceof Error && 'hint' in error && error.hint === 'Available: bundled.');
    return true;
  });
  await assert.rejects(registry.find(path), appError('NOT_FOUND', /cannot be opened/));
});

test('shows a card with presets and the notes beside the package', async (context) => {
  const { registry, folders } = await sample(context);
  await writeFile(join(folders.userFolder, 'own.md'), '# Notes\n');
  const { card } = await registry.show('own');
  assert.match(card, /DyVM Vim \(class token in the middle\)/);
  assert.match(card, /Preset balanced +\d+\.\d{3} GFLOPs/);
  assert.match(card, /# Notes\n$/);
});

test('the card of what came with Winnow names its file without the folder of the program', async (context) => {
  const { registry, folders } = await sample(context);
  assert.match(
    (await registry.show('own')).card,
    new RegExp(`^File +${join(folders.userFolder, 'own')}`, 'm'),
  );
  assert.match((await registry.show('bundled')).card, /^File +bundled\.safetensors, \d/m);
});

test('removes what is the user\u2019s, never what is bundled', async (context) => {
  const { registry, folders } = await sample(context);
  await registry.remove('own');
  assert.deepEqual(await readdir(folders.userFolder), ['tiny.pth']);
  await assert.rejects(registry.remove('own'), appError('NOT_FOUND', /no model named own/));
  await assert.rejects(registry.remove('bundled'), appError('BAD_ARGUMENT', /came with Winnow/));
  await assert.rejects(registry.remove('../x'), appError('NOT_FOUND', /no model named/));
  assert.deepEqual(
    (await registry.list()).map(({ name }) => name),
    ['bundled'],
  );
});

test('removes a damaged package too', async (context) => {
  const { registry, folders } = await sample(context);
  await writeFile(join(folders.userFolder, 'own.safetensors'), 'damaged');
  await registry.remove('own');
  assert.deepEqual((await registry.scan()).damaged, []);
});

test('imports into the user\u2019s folder, under no name of a bundled model', async (context) => {
  const { registry, folders } = await sample(context);
  const checkpointPath = join(folders.userFolder, 'tiny.pth');
  const model = await registry.import({ checkpointPath, name: 'new', pruningLayers: [1] });
  assert.deepEqual([model.bundled, model.path], [false, join(folders.userFolder, 'new.safetensors')]);
  assert.deepEqual(await registry.verify('new'), model);
  await assert.rejects(
    registry.import({ checkpointPath, name: 'bundled', pruningLayers: [1] }),
    appError('BAD_ARGUMENT', /There is a model bundled already/),
  );
});

test('an import that is refused for its name removes what a killed one left', async (context) => {
  const { registry, folders } = await sample(context);
  const own = partialPath(folders.userFolder);
  const left = abandonedPath(folders.userFolder);
  for (const path of [own, left]) await writeFile(path, 'x');
  const checkpointPath = join(folders.userFolder, 'tiny.pth');
  await assert.rejects(
    registry.import({ checkpointPath, name: 'OWN', pruningLayers: [1] }),
    appError('BAD_ARGUMENT', /There is a model OWN already/),
  );
  const names = await readdir(folders.userFolder);
  assert.deepEqual([names.includes(basename(own)), names.includes(basename(left))], [true, false]);
});

test('everyday10 is sound and has its card', async () => {
  const registry = new ModelRegistry({ bundledFolder: bundledModels, userFolder: '/nowhere' });
  const model = await registry.verify('everyday10');
  const { name, labels, pruningLayers, blockSelection } = model.manifest;
  assert.deepEqual(
    [model.bundled, name, labels.map((label) => label.name)],
    [true, 'everyday10', everydayLabels],
  );
  assert.deepEqual([pruningLayers.length, blockSelection], [3, true]); // it shows what DyVM is
  const { card } = await registry.show('everyday10');
  assert.match(card, /\n# everyday10\n[^]*fit for a first try, not for work/);
});

test('the hash of a file is the published one of abc', async (context) => {
  const path = join(await temporaryFolder(context), 'file');
  await writeFile(path, 'abc');
  assert.equal(await sha256OfFile(path), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  await assert.rejects(sha256OfFile(`${path}.none`), appError('NOT_FOUND', /cannot be read/));
});
