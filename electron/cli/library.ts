import type { Command } from 'commander';
import type { LibraryCheck, LibraryInfo } from '../shared/api/settings.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { EXIT } from './exit.ts';
import { bytes, count, oneLine } from './format.ts';
import { addForceOption, addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print } from './terminal.ts';

/** `winnow library info | check | backup | restore`. */
export function addLibraryCommands(program: Command, finish: (exitCode: number) => void): void {
  const library = program
    .command('library')
    .description('the database itself: facts, check, backup, restore');
  addLibraryOption(library.command('info').description('where it lies, what it holds, its backups')).action(
    async ({ library: path }: LibraryOption) => {
      print(describe(await withApp(path, (app) => app.libraryInfo({}))));
    },
  );
  const check = library
    .command('check')
    .description('read all of it, and compare every row with its checksum')
    .option('--mend', 'make damaged results pending, so that `winnow resume` predicts those images again');
  addLibraryOption(check).action(async ({ library: path, mend }: LibraryOption & { mend?: boolean }) => {
    const found = await withApp(path, (app) => app.checkLibrary({ mend }));
    print(describeCheck(found));
    finish(isSound(found) ? EXIT.done : EXIT.failed);
  });
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
    `${backup.createdAt.slice(0, 16).replace('T', ' ')} UTC`,
    bytes(backup.bytes),
    oneLine(backup.path),
  ]);
  return (
    table(facts) + (backups.length === 0 ? '\nThere is no backup yet.\n' : `\nBackups\n${table(backups)}`)
  );
}

function isSound({ problems, results, reviews, others }: LibraryCheck): boolean {
  return problems.length + results.length + reviews.images + others.length === 0;
}

/** What is damaged, and what to do about it. */
function describeCheck(found: LibraryCheck): string {
  const { rows, problems, results, reviews, others, mended } = found;
  if (isSound(found)) return `The library is sound: ${count(rows, 'row')} are what was written.\n`;
  const restore = '`winnow library info` lists the backups, `winnow library restore FILE` puts one in place.';
  const listed = (paths: readonly string[]) => paths.map((path) => `  ${oneLine(path)}\n`);
  const lines: string[] = [];
  if (problems.length > 0)
    lines.push('The file of the library is damaged:\n', ...listed(problems), `${restore}\n`);
  for (const { runId, images, paths } of results) {
    lines.push(`Run ${runId}: the results of ${count(images, 'image')} are damaged.\n`, ...listed(paths));
    if (images > paths.length) lines.push(`  and ${images - paths.length} more\n`);
    if (mended) lines.push(`They are pending again: \`winnow resume ${runId}\` predicts them.\n`);
  }
  if (results.length > 0 && !mended && problems.length === 0)
    lines.push('`winnow library check --mend` makes them pending, to be predicted again.\n');
  if (reviews.images > 0)
    lines.push(
      `What people said of ${count(reviews.images, 'image')} is damaged.\n`,
      ...listed(reviews.paths),
      `Review them again, or: ${restore}\n`,
    );
  if (others.length > 0)
    lines.push('What the library knows of these is damaged:\n', ...listed(others), `${restore}\n`);
  return lines.join('');
}
