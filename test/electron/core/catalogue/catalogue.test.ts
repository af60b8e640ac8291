import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { root } from '../../../../build/setup.mjs';
import { catalogue, catalogueModel } from '../../../../electron/core/catalogue/read-catalogue.ts';
import { catalogueSchema } from '../../../../electron/shared/catalogue.ts';
import { catalogueSchemaText } from '../../../../build/models/catalogue-schema.ts';
import { appError } from '../app-error.ts';
import { PUBLISHED_FILES, publishedParameters } from '../../support/published-checkpoints.ts';

const text = readFileSync(join(root, 'resources/models/catalogue.json'), 'utf8');

/** As the makers publish it: file, and top-1 in percent. */
const PUBLISHED: Record<string, [top1: number, licence: string | null, file: string]> = {
  'dyvm-vim-s': [78.8, null, '1OzSZbY5CP0zoUwYL2JlXCZRrpjkIjsq7'],
  'dyvm-vim-b': [79.9, null, '1tpGSsh8lJs-wcjrdexgjzeFgimlzs44P'],
  'vim-t': [76.1, 'Apache-2.0', 'hustvl/Vim-tiny-midclstok/resolve/main/vim_t_midclstok_76p1acc.pth'],
  'vim-t-fine': [78.3, 'Apache-2.0', 'hustvl/Vim-tiny-midclstok/resolve/main/vim_t_midclstok_ft_78p3acc.pth'],
  'vim-s': [80.5, 'Apache-2.0', 'hustvl/Vim-small-midclstok/resolve/main/vim_s_midclstok_80p5acc.pth'],
  'vim-s-fine': [
    81.6,
    'Apache-2.0',
    'hustvl/Vim-small-midclstok/resolve/main/vim_s_midclstok_ft_81p6acc.pth',
  ],
  'vim-b': [81.9, 'Apache-2.0', 'hustvl/Vim-base-midclstok/resolve/main/vim_b_midclstok_81p9acc.pth'],
  'videomamba-t': [76.9, 'Apache-2.0', 'OpenGVLab/VideoMamba/resolve/main/videomamba_t16_in1k_res224.pth'],
  'videomamba-s': [81.2, 'Apache-2.0', 'OpenGVLab/VideoMamba/resolve/main/videomamba_s16_in1k_res224.pth'],
  'videomamba-m': [82.8, 'Apache-2.0', 'OpenGVLab/VideoMamba/resolve/main/videomamba_m16_in1k_res224.pth'],
  'mambareg-s': [81.4, null, 'Wangf3014/Mamba-Reg/resolve/main/mambar_small_patch16_224.pth'],
  'mambareg-b': [83, null, 'Wangf3014/Mamba-Reg/resolve/main/mambar_base_patch16_224.pth'],
  'mambareg-l': [83.6, null, 'Wangf3014/Mamba-Reg/resolve/main/mambar_large_patch16_224.pth'],
};

suite('the catalogue of models', () => {
  test('has the published models with their accuracy, licence and address, each once', () => {
    const found = catalogue().map(({ name, published, licence, file }) => {
      const address = new URL(file.address);
      const place = file.host === 'google-drive' ? address.searchParams.get('id') : address.pathname.slice(1);
      return [name, [published.top1, licence, place]];
    });
    assert.deepEqual(found, Object.entries(PUBLISHED));
  });

  test('names hosts by the addresses of theirs, files by their addresses, and lists of labels that are there', () => {
    for (const { name, title, file, import: needs, published } of catalogue()) {
      const address = new URL(file.address);
      if (file.host === 'hugging-face') {
        assert.equal(address.host, 'huggingface.co');
        assert.match(address.pathname, /^\/[\w-]+\/[\w-]+\/resolve\/main\/[\w-]+\.pth$/);
        assert.equal(file.name, address.pathname.split('/').at(-1));
        assert.ok(
          published.page === `https://huggingface.co/${address.pathname.split('/').slice(1, 3).join('/')}`,
        );
      } else {
        assert.equal(address.host + address.pathname, 'drive.usercontent.google.com/download');
        assert.match(address.searchParams.get('id') ?? '', /^[\w-]{33}$/);
        assert.equal(address.searchParams.get('confirm'), 't');
      }
      assert.ok(existsSync(join(root, 'resources/labels', needs.labels)), name);
      assert.match(published.citation, /arXiv \d{4}\.\d{5}/);
      assert.ok(title.length > 0);
    }
  });

  test('says of every model how many weights its published file has', () => {
    const counts = catalogue().map(({ name, parameters }) => [name, parameters]);
    const made = Object.entries(PUBLISHED_FILES).map(([name, file]) => [name, publishedParameters(file)]);
    assert.deepEqual(counts, made);
  });

  test('is checked: an unknown field, an address that is not encrypted and a missing licence are refused', () => {
    const damaged = (change: (model: Record<string, unknown>) => void) => {
      const copy = JSON.parse(text) as { models: Record<string, unknown>[] };
      const [first] = copy.models;
      assert.ok(first);
      change(first);
      return catalogueSchema.safeParse(copy).success;
    };
    assert.equal(
      damaged(() => undefined),
      true,
    );
    assert.equal(
      damaged((model) => (model['colour'] = 'red')),
      false,
    );
    assert.equal(
      damaged((model) => delete model['licence']),
      false,
    );
    const file = { host: 'google-drive', address: 'http://drive.usercontent.google.com/download' };
    assert.equal(
      damaged((model) => (model['file'] = file)),
      false,
    );
    assert.throws(() => catalogueModel('vim-x'), appError('NOT_FOUND', /no model vim-x in the catalogue/));
  });

  test('has a schema beside it that is not stale, and names it', () => {
    const stored = readFileSync(join(root, 'resources/models/catalogue.schema.json'), 'utf8');
    assert.equal(stored, catalogueSchemaText(), 'node build/models/catalogue-schema.ts writes it anew');
    assert.equal(
      z.object({ $schema: z.string() }).parse(JSON.parse(text)).$schema,
      './catalogue.schema.json',
    );
  });
});
