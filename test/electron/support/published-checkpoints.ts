import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Arguments, OrderedDict, pickle, TorchTensor } from '../core/checkpoint/torch-save.ts';
import type { Source } from '../core/checkpoint/torch-save.ts';

/**
 * Checkpoints with the keys, shapes, arguments and container of the published files, as their training programs write them:
 * DyVM (main.py), hustvl/Vim, OpenGVLab/VideoMamba (image_sm) and Wangf3014/Mamba-Reg. Stated here on its own, not taken from
 * what the importer expects.
 */
interface PublishedFile {
  width: number;
  depth: number;
  patches: number;
  registers?: { count: number; reduction: number };
  isDynamic?: true;
  args: Record<string, Source>; // what of the arguments describes the model
}

const vimArgs = (size: string, stride: string, place: string) => ({
  model: `vim_${size}_patch16_${stride}224_bimambav2_final_pool_mean_abs_pos_embed_with_${place}_div2`,
});

export const PUBLISHED_FILES: Record<string, PublishedFile> = {
  'dyvm-vim-s': dynamic(384, { model: 'Vim-Small', token_keep_ratio: 0.7, block_keep_ratio: 0.8 }),
  'dyvm-vim-b': dynamic(768, { model: 'Vim-Base', token_keep_ratio: 0.7, block_keep_ratio: 0.7 }),
  'vim-t': plain(192, vimArgs('tiny', '', 'midclstok')),
  'vim-t-fine': { ...plain(192, vimArgs('tiny', 'stride8_', 'midclstok')), patches: 27 * 27 },
  'vim-s': plain(384, vimArgs('small', '', 'midclstok')),
  'vim-s-fine': { ...plain(384, vimArgs('small', 'stride8_', 'midclstok')), patches: 27 * 27 },
  'vim-b': plain(768, vimArgs('base', '', 'middle_cls_token')),
  'videomamba-t': plain(192, { model: 'videomamba_tiny' }),
  'videomamba-s': plain(384, { model: 'videomamba_small' }),
  'videomamba-m': { ...plain(576, { model: 'videomamba_middle' }), depth: 32 },
  'mambareg-s': registered(384, 24, 12, 2, 'small'),
  'mambareg-b': registered(768, 24, 12, 4, 'base'),
  'mambareg-l': registered(1024, 48, 16, 8, 'large'),
};

function plain(width: number, args: Record<string, Source>): PublishedFile {
  return { width, depth: 24, patches: 14 * 14, args };
}

function dynamic(width: number, args: Record<string, Source>): PublishedFile {
  return { ...plain(width, args), isDynamic: true };
}

function registered(
  width: number,
  depth: number,
  count: number,
  reduction: number,
  size: string,
): PublishedFile {
  const args = { model: `mambar_${size}_patch16_224`, eval_crop_ratio: 1 };
  return { ...plain(width, args), depth, registers: { count, reduction } };
}

/** Names and sides of a published file's weights, in the order in which they are saved. */
export function publishedShapes({
  width,
  depth,
  patches,
  registers,
  isDynamic,
}: PublishedFile): [name: string, shape: number[]][] {
  const [inner, states, rank, taps] = [2 * width, 16, width / 16, 4];
  const directions = ['', '_b'].flatMap((direction): [string, number[]][] => [
    [`conv1d${direction}.weight`, [inner, 1, taps]],
    [`conv1d${direction}.bias`, [inner]],
    [`x_proj${direction}.weight`, [rank + 2 * states, inner]],
    [`dt_proj${direction}.weight`, [inner, rank]],
    [`dt_proj${direction}.bias`, [inner]],
  ]);
  const mixer: [string, number[]][] = [
    ['A_log', [inner, states]],
    ['D', [inner]],
    ['A_b_log', [inner, states]],
    ['D_b', [inner]],
    ['in_proj.weight', [2 * inner, width]],
    ...directions,
    ...(isDynamic ? heads(inner) : []),
    ['out_proj.weight', [width, inner]],
  ];
  const blocks = Array.from({ length: depth }, (_, block) => [
    ...mixer.map(([name, shape]): [string, number[]] => [`layers.${block}.mixer.${name}`, shape]),
    [`layers.${block}.norm.weight`, [width]] as [string, number[]],
  ]).flat();
  const kept = registers === undefined ? width : width * (registers.count / registers.reduction);
  const positions: [string, number[]][] =
    registers === undefined
      ? [
          ['cls_token', [1, 1, width]],
          ['pos_embed', [1, patches + 1, width]],
        ]
      : [
          ['cls_token', [1, registers.count, width]],
          ['pos_embed_cls', [1, registers.count, width]],
          ['pos_embed', [1, patches, width]],
        ];
  const neck: [string, number[]][] =
    registers === undefined
      ? []
      : [
          ['neck.weight', [width / registers.reduction, width]],
          ['norm_neck.weight', [(width * registers.count) / registers.reduction]],
        ];
  return [
    ...positions,
    ['patch_embed.proj.weight', [width, 3, 16, 16]],
    ['patch_embed.proj.bias', [width]],
    ...neck,
    ['head.weight', [1000, kept]],
    ['head.bias', [1000]],
    ...blocks,
    ...(isDynamic ? [0, 1, 2].flatMap((stage) => predictor(`score_predictors.${stage}.`, width)) : []),
    ['norm_f.weight', [width]],
  ];
}

function heads(inner: number): [string, number[]][] {
  return [
    ['block_head.weight', [2, 2 * inner]],
    ['block_head.bias', [2]],
  ];
}

function predictor(prefix: string, width: number): [string, number[]][] {
  const layers: [string, number[]][] = [
    ['in_conv.0.weight', [width]],
    ['in_conv.0.bias', [width]],
    ['in_conv.1.weight', [width, width]],
    ['in_conv.1.bias', [width]],
    ['out_conv.0.weight', [width / 2, width]],
    ['out_conv.0.bias', [width / 2]],
    ['out_conv.2.weight', [width / 4, width / 2]],
    ['out_conv.2.bias', [width / 4]],
    ['out_conv.4.weight', [2, width / 4]],
    ['out_conv.4.bias', [2]],
  ];
  return layers.map(([name, shape]) => [prefix + name, shape]);
}

const countOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

export function publishedParameters(file: PublishedFile): number {
  return publishedShapes(file).reduce((sum, [, shape]) => sum + countOf(shape), 0);
}

/** What the training programs keep beside the weights. `args`: those of the file, or other ones. */
function container(file: PublishedFile, args: Record<string, Source>): Source {
  const weights = (prefix: string) =>
    new OrderedDict(
      new Map(
        publishedShapes(file).map(([name, shape], index) => [
          name,
          new TorchTensor({
            key: `${prefix}${index}`,
            data: new Uint8Array(0),
            elements: countOf(shape),
            shape,
          }),
        ]),
      ),
    );
  const state = new Map<string, Source>([
    ['step', 1250],
    ['exp_avg', new TorchTensor({ key: 'step0', data: new Uint8Array(0), elements: 4, shape: [4] })],
  ]);
  return new Map<string, Source>([
    ['model', weights('m')],
    [
      'optimizer',
      new Map<string, Source>([
        ['state', new Map<number, Source>([[0, state]])],
        [
          'param_groups',
          [
            new Map<string, Source>([
              ['lr', 1e-5],
              ['betas', [0.9, 0.999]],
              ['params', [0, 1]],
            ]),
          ],
        ],
      ]),
    ],
    ['lr_scheduler', new Map<string, Source>([['t_in_epochs', true]])],
    ['epoch', 29],
    ['model_ema', weights('e')],
    ['scaler', 'none'],
    [
      'args',
      new Arguments({
        batch_size: 64,
        data_set: 'IMNET',
        eval: false,
        eval_crop_ratio: 0.875,
        input_size: 224,
        nb_classes: 1000,
        resume: '',
        ...args,
      }),
    ],
  ]);
}

interface WriteOptions {
  /** Values of the weights; without, they are holes in the file: nothing is written, and their checksums are not theirs. */
  block?: Uint8Array;
  args?: Record<string, Source>;
}

/** Writes a published file's likeness. The values of the weights are `block`, again and again. */
export function writePublished(path: string, file: PublishedFile, options: WriteOptions = {}): void {
  const target = openSync(path, 'w');
  try {
    const zip = new StoredZip(target);
    zip.add('archive/data.pkl', [pickle(container(file, options.args ?? file.args))]);
    zip.add('archive/byteorder', [Buffer.from('little')]);
    for (const prefix of ['m', 'e'])
      for (const [index, [, shape]] of publishedShapes(file).entries()) {
        const bytes = 4 * countOf(shape);
        const name = `archive/data/${prefix}${index}`;
        if (options.block === undefined || prefix === 'e') zip.addHole(name, bytes);
        else zip.add(name, repeated(options.block, bytes));
      }
    zip.addHole('archive/data/step0', 16);
    zip.end();
  } finally {
    closeSync(target);
  }
}

/** Finite 32-bit floats from -0.04 to 0.04, as weights are before a training; 1 MB of them. */
export function randomBlock(): Uint8Array {
  let state = 7;
  const values = Float32Array.from({ length: 2 ** 18 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 0.08 * (state / 2 ** 32 - 0.5);
  });
  return new Uint8Array(values.buffer);
}

function repeated(block: Uint8Array, bytes: number): Uint8Array[] {
  const pieces = Array.from({ length: Math.floor(bytes / block.length) }, () => block);
  return [...pieces, block.subarray(0, bytes % block.length)];
}

/** A zip archive of stored entries, whose content may be a hole. */
class StoredZip {
  readonly #file: number;
  readonly #directory: Buffer[] = [];
  #position = 0;

  constructor(file: number) {
    this.#file = file;
  }

  add(name: string, pieces: readonly Uint8Array[]): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#begin(
      name,
      bytes,
      pieces.reduce((sum, piece) => crc32(piece, sum), 0),
    );
    for (const piece of pieces) this.#write(piece);
  }

  addHole(name: string, bytes: number): void {
    this.#begin(name, bytes, 0);
    this.#position += bytes;
  }

  end(): void {
    const start = this.#position;
    for (const entry of this.#directory) this.#write(entry);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(this.#directory.length, 8);
    end.writeUInt16LE(this.#directory.length, 10);
    end.writeUInt32LE(this.#position - start, 12);
    end.writeUInt32LE(start, 16);
    ftruncateSync(this.#file, this.#position);
    this.#write(end);
  }

  #begin(name: string, bytes: number, checksum: number): void {
    const fields = Buffer.alloc(26);
    fields.writeUInt32LE(checksum, 10);
    fields.writeUInt32LE(bytes, 14);
    fields.writeUInt32LE(bytes, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(this.#position, 10);
    const text = Buffer.from(name, 'latin1');
    this.#directory.push(Buffer.concat([Buffer.from('PK\x01\x02\0\0', 'latin1'), fields, place, text]));
    this.#write(Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, text]));
  }

  #write(bytes: Uint8Array): void {
    writeSync(this.#file, bytes, 0, bytes.length, this.#position);
    this.#position += bytes.length;
  }
}
