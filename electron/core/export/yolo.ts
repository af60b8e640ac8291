import { Categories } from './categories.ts';
import { rounded } from './columns.ts';
import type { FoundContent } from './found-content.ts';
import { seenSize } from './found-images.ts';
import type { FoundImage } from './found-images.ts';
import type { FolderTarget } from './write-folder.ts';
import type { FoundFolderFormat } from './format.ts';

export const yolo: FoundFolderFormat = {
  name: 'yolo',
  of: 'found',
  place: 'folder',
  ending: '',
  tasks: ['detection'],
  options: [],
  isText: false,
  write: writeYolo,
};

/**
 * YOLO's label files: `labels/<path>.txt` with a line per box, empty for an image without any; the names of the classes in
 * `classes.txt` and `data.yaml`. Images that were never read have none.
 */
async function writeYolo(
  { images, exported, names, count }: FoundContent,
  target: FolderTarget,
): Promise<void> {
  const categories = new Categories(exported.model.manifest);
  for (const some of images()) {
    for (const image of some) {
      const text = labelText(image, categories);
      if (text === undefined) continue;
      await target.write(`labels/${names.file(image.path, '.txt')}`, text);
      count(image);
    }
  }
  const labels = categories.all().map(({ name }) => name.replace(/[\r\n]+/g, ' '));
  await target.write('classes.txt', labels.map((name) => `${name}\n`).join(''));
  // A JSON string is a string in YAML, too. Without `path:` the file's own folder is the root, wherever it is read from.
  const lines = labels.map((name, index) => `  ${index}: ${JSON.stringify(name)}\n`);
  await target.write('data.yaml', `train: images\nval: images\nnames:\n${lines.join('')}`);
}

/** Class, centre and size, as shares of the picture's sides. */
function labelText(image: FoundImage, categories: Categories): string | undefined {
  const size = seenSize(image);
  if (size === undefined) return undefined;
  const { width, height } = size;
  return image.objects
    .map(({ label, box }) => {
      const centre = [(box.x + box.width / 2) / width, (box.y + box.height / 2) / height];
      const numbers = [...centre, box.width / width, box.height / height];
      return `${categories.of(label).index} ${numbers.map((value) => rounded(value, 6)).join(' ')}\n`;
    })
    .join('');
}
