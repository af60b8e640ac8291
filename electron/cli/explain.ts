import type { Command } from 'commander';
import type { Attention } from '../shared/api/attention.ts';
import { withApp } from './app.ts';
import { oneLine } from './format.ts';
import { addLibraryOption, addLookOptions, number } from './options.ts';
import type { LibraryOption, LookOptions } from './options.ts';
import { print } from './terminal.ts';

interface ExplainOptions extends LookOptions, LibraryOption {
  layer?: number;
  json?: boolean;
}

/** `winnow explain`. */
export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description('where a layer of a classifier looks in a picture')
    .argument('<file>', 'a picture')
    .option('--layer <n>', 'from 1 (default: the last)', number)
    .option('--json', 'all numbers, as JSON');
  addLibraryOption(addLookOptions(command)).action(
    async (path: string, { library, layer, json, ...dial }: ExplainOptions) => {
      const attention = await withApp(library, (app) => app.explainFile({ path, layer, ...dial }));
      print(
        json === true ? `${JSON.stringify(attention, undefined, 2)}\n` : describeAttention(path, attention),
      );
    },
  );
}

/** A line of facts, and the patches as tenths of the largest weight; a dot stands for a patch that was left out. */
export function describeAttention(path: string, attention: Attention): string {
  const { model, layer, layers, grid, patches, kept, forward, backward } = attention;
  const most = Math.max(...patches);
  const cell = (weight: number) => {
    if (weight === 0) return '.';
    return String(Math.min(9, Math.floor((10 * weight) / most)));
  };
  const rows = Array.from({ length: grid }, (_, row) =>
    patches
      .slice(row * grid, (row + 1) * grid)
      .map(cell)
      .join(' '),
  );
  return [
    `${oneLine(path)}: layer ${layer} of ${layers} of ${model}, ${kept} of ${patches.length} patches left, ${scans(forward, backward)}`,
    '',
    ...(forward || backward ? rows : ['It looks nowhere: what comes in goes out unchanged.']),
    '',
  ].join('\n');
}

function scans(forward: boolean, backward: boolean): string {
  if (forward && backward) return 'both scans ran';
  if (forward) return 'only the forward scan ran';
  return backward ? 'only the backward scan ran' : 'no scan ran';
}
