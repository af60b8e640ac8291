/**
 * npm run golden -- <directory>...  [--programs out/native] [--runner <program>] [--device <name>] [--keep <folder>]
 *
 * Compares every device, in each of its precisions, with what the original model code computed. A directory holds
 * `config.json`, `expected.safetensors` and `checkpoint.pth`; in place of the checkpoint, `package` in config.json may name
 * a model package by its path from there. A directory with the losses and gradients of a training step is compared with
 * ours. Ends with exit code 1 when a tensor differs.
 * `--runner`: what starts programs of another system, such as Wine. `--device`: that alone.
 * `--keep`: where the checkpoints' packages stay, for native/bench/gpu.sh on a machine without Node.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { importCheckpoint, type ImportOptions } from '../../electron/core/checkpoint/import-checkpoint.ts';
import { loadAddon } from '../../electron/engine/addon.ts';
import { AppError } from '../../electron/shared/errors.ts';
import type { ClassTokenArchitecture } from '../../electron/shared/architectures.ts';
import { root, releaseBuild } from '../setup.mjs';

const goldenSchema = z.object({
  architecture: z.string(),
  package: z.string().optional(),
  config: z.object({
    pruning_loc: z.array(z.int()).optional(),
    token_ratio: z.array(z.number()).optional(), // of segmentation models, which have no runs
    divide_by_2: z.boolean().optional(), // of segmentation models
    divide_by_2_in_pipeline: z.boolean().optional(), // of detection models
  }),
  /** Token keep ratios of each run; null without pruning. In words where there are none to choose. */
  runs: z
    .record(
      z.string(),
      z.union([
        z.array(z.number()).nullable(),
        z.object({ token_ratio: z.array(z.number()) }).transform((run) => run.token_ratio),
        z.string().transform(() => null),
      ]),
    )
    .default({}),
});

type Golden = z.infer<typeof goldenSchema>;

const SUPPORTED =
  /^(dyvm-seg-upernet|dyvm-det-one-stage|vim-det-(cascade-)?mask-rcnn|(dyvm-)?(vim|videomamba|mambareg)(?!-det|-seg)(-|$))/;

const kindSchema = z.object({ architecture: z.string().default('of no name') });

/** config.json of a golden directory. Throws an AppError when it is missing, damaged or about another kind of model. */
function readGolden(directory: string): Golden {
  const file = path.join(directory, 'config.json');
  if (!fs.existsSync(file)) {
    throw new AppError('NOT_FOUND', `Expected golden numbers in ${directory}, but it has no config.json.`);
  }
  const json = readJson(file);
  const kind = kindSchema.safeParse(json).data?.architecture;
  if (kind !== undefined && !SUPPORTED.test(kind)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `${directory}: models of the kind ${kind} are not supported; Vim, VideoMamba and MambaReg classifiers, UperNet and Mask R-CNN are.`,
    );
  }
  const golden = goldenSchema.safeParse(json);
  if (golden.success) return golden.data;
  throw new AppError('BAD_ARGUMENT', `${file} is not as expected: ${z.prettifyError(golden.error)}`);
}

/** Whether a directory holds a training step, with its losses and gradients, in place of predictions. */
function recordsTraining(directory: string): boolean {
  const file = path.join(directory, 'config.json');
  const trained = z.object({ token_distillation: z.string() });
  return fs.existsSync(file) && trained.safeParse(readJson(file)).success;
}

/** What a JSON file holds; undefined when it is not JSON. */
function readJson(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The model package of a golden directory: the one that it names, or its checkpoint imported into `modelsFolder`. */
async function packageOf(directory: string, golden: Golden, modelsFolder: string): Promise<string> {
  if (golden.package !== undefined) return path.resolve(directory, golden.package);
  const imported = await importCheckpoint({
    checkpointPath: path.join(directory, 'checkpoint.pth'),
    name: path.basename(path.resolve(directory)),
    modelsFolder,
    ...openOptions(golden),
  });
  return imported.path;
}

/** What the checkpoint's tensors leave open. */
function openOptions(golden: Golden): Partial<ImportOptions> {
  const { pruning_loc, token_ratio, divide_by_2, divide_by_2_in_pipeline } = golden.config;
  const halveDirections = divide_by_2 ?? divide_by_2_in_pipeline;
  const [firstRun] = Object.values(golden.runs);
  const tokenKeep = token_ratio ?? firstRun;
  return {
    architecture: classTokenArchitecture(golden),
    ...(halveDirections === undefined ? {} : { halveDirections }),
    ...(pruning_loc && tokenKeep ? { pruningLayers: pruning_loc, tokenKeep: tokenKeep.join(',') } : {}),
  };
}

/** Undefined for MambaReg and for segmentation and detection models, which the tensors tell. */
function classTokenArchitecture({ architecture }: Golden): ClassTokenArchitecture | undefined {
  if (/mambareg|-seg-|-det-/.test(architecture)) return undefined;
  return architecture.includes('videomamba') ? 'videomamba' : 'vim';
}

interface CheckOptions {
  programs: string;
  runner?: string | undefined;
  keep?: string | undefined;
  device?: string | undefined;
}

/** Whether every recorded tensor of a directory is met on every device, in each precision that it computes. */
async function check(directory: string, { programs, runner, keep, device }: CheckOptions): Promise<boolean> {
  const passes = (name: string, args: string[]) => {
    const program = path.resolve(programs, name);
    const [command = program, ...before] = runner === undefined ? [] : [runner, `${program}.exe`];
    return spawnSync(command, [...before, ...args], { stdio: 'inherit' }).status === 0;
  };
  if (recordsTraining(directory)) {
    console.log(`${directory}: a step of training`);
    return passes('winnow-golden-training', [directory]);
  }
  const golden = readGolden(directory);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'winnow-golden-'));
  try {
    const modelPackage = await packageOf(directory, golden, folder);
    if (keep !== undefined) {
      fs.mkdirSync(keep, { recursive: true });
      fs.copyFileSync(modelPackage, path.join(keep, `${path.basename(path.resolve(directory))}.safetensors`));
    }
    const results = loadAddon()
      .devices(true)
      .filter(({ name, available }) => available && (device === undefined || name === device))
      .flatMap(({ name, precisions }) => precisions.map((precision) => ({ name, precision })))
      .map(({ name, precision }) => {
        console.log(`${directory} on ${name} in ${precision}`);
        return passes('winnow-golden', [modelPackage, directory, '--device', name, '--precision', precision]);
      });
    if (results.length === 0) console.error(`There is no device ${device ?? ''} that can be used.`);
    return results.length > 0 && results.every(Boolean);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      programs: { type: 'string', default: path.join(root, releaseBuild.folder) },
      runner: { type: 'string' },
      device: { type: 'string' },
      keep: { type: 'string' },
    },
  });
  if (positionals.length === 0) {
    console.error('Expected a directory with golden numbers: npm run golden -- <directory>...');
    return 1;
  }
  const failed: string[] = [];
  for (const directory of positionals) {
    const passed = await check(directory, values).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      console.error([error.message, error.hint].filter(Boolean).join(' '));
      return false;
    });
    if (!passed) failed.push(directory);
  }
  console.log(
    failed.length === 0 ? `Golden: all ${positionals.length} met` : `Golden: not met: ${failed.join(', ')}`,
  );
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
