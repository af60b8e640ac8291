import type { Command } from 'commander';
import type { Evaluation } from '../shared/app-api.ts';
import { withApp } from './app.ts';
import { exitCodeOfRun } from './exit.ts';
import { count, oneLine, percent, quantity, table } from './format.ts';
import { watchRun } from './interrupt.ts';
import { addDialOptions } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';

type EvaluateOptions = DialOptions & LibraryOption & { confusion?: string };

/** `winnow evaluate`. */
export function addEvaluateCommand(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('evaluate')
    .description('measure accuracy on a folder whose sub-folders are classes')
    .argument('<folder>')
    .option('--confusion <file>', 'write the confusion matrix as CSV');
  addDialOptions(command).action(async (folder: string, { library, ...options }: EvaluateOptions) => {
    const evaluation = await withApp(library, (app) =>
      watchRun(app, () => app.evaluate({ folder, ...options })),
    );
    process.stdout.write(describe(evaluation));
    finish(exitCodeOfRun(evaluation.run));
  });
}

function describe(evaluation: Evaluation): string {
  const { images, top1, top5, classes, ignored, blockKeep, flops, imagesPerSecond, run } = evaluation;
  const share = (right: number, all: number) => (all === 0 ? '-' : percent(right / all));
  const rows = classes.map((one) => [
    oneLine(one.folder),
    String(one.images),
    share(one.top1, one.images),
    share(one.top5, one.images),
  ]);
  const facts = [
    ['images', `${images} in ${count(classes.length, 'class folder')}`],
    ...(ignored > 0 ? [['ignored', `${ignored} outside of them`]] : []),
    ...(run.counts.failed > 0
      ? [['failed', `${run.counts.failed}, not counted; \`winnow show ${run.id}\` lists them`]]
      : []),
    ['top-1', percent(top1)],
    ['top-5', percent(top5)],
    ['block keep ratio', blockKeep.toFixed(3)],
    [
      'FLOPs per image',
      `${quantity(flops.original)} by the original's counting rule, ${quantity(flops.actual)} in truth`,
    ],
    ['speed', `${imagesPerSecond.toFixed(1)} images/s in the engine`],
  ];
  return `${table([['CLASS', 'IMAGES', 'TOP-1', 'TOP-5'], ...rows])}\n${table(facts)}`;
}
