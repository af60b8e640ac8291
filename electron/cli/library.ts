import type { Command } from 'commander';
import type { LibraryInfo } from '../shared/api/settings.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { bytes, count, oneLine } from './format.ts';
import { addForceOption, addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print } from './terminal.ts';

/** `winnow library info | backup | restore`. */
export function addLibraryCommands(program: Command): void {
  const library = program.command('library').description('the database itself: facts, backup, restore');
  addLibraryOption(library.command('info').description('where it lies, what it holds, its backups')).action(
    async ({ library: path }: LibraryOption) => {
      print(describe(await withApp(path, (app) => app.libraryInfo({}))));
    },
  );
  const backup = library
    .command('backup')
    .description('write a copy of it, also while it is in use')
    .argument('[file]', 'file to write (default: among the backups beside it)');
  addLibraryOption(addForceOption(backup)).action(
    async (out: string | undefined, { library: path, force }: LibraryOption & { force?: boolean }) => {
      const made = await withApp(path, (app) => app.backUpLibrary({ out, force }));
      print(`Wrote ${oneLine(made.path)} (${bytes(made.bytes)}).\n`);
    },
  );
  const restore = library
    .command('restore')
    .description('put a backup in its place; what is there now becomes a backup first')
    .argument('<file>', 'the backup; `winnow library info` lists them');
  addLibraryOption(restore).action(async (file: string, { library: path }: LibraryOption) => {
    const info = await withApp(path, (app) => app.restoreLibrary({ file }));
    print(`The library was restored from ${oneLine(file)}.\n${describe(info)}`);
  });
}

function describe(info: LibraryInfo): string {
  const facts = [
    ['library', oneLine(info.path)],
    ['size', bytes(info.bytes)],
    info.problem === undefined
      ? [
          'holds',
          `${count(info.folders, 'folder')}, ${count(info.images, 'image')}, ${count(info.runs, 'run')}`,
        ]
      : ['problem', oneLine(info.problem)],
    ['thumbnails', `${bytes(info.thumbnails.bytes)} in ${oneLine(info.thumbnails.path)}`],
  ];
  const backups = info.backups.map((backup) => [
    ...[`${backup.createdAt.slice(0, 16).replace('T', ' ')} UTC`, bytes(backup.bytes), oneLine(backup.path)],
  ]);
  return (
    table(facts) + (backups.length === 0 ? '\nThere is no backup yet.\n' : `\nBackups\n${table(backups)}`)
  );
}
