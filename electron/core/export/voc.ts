import { posix } from 'node:path';
import type { FoundContent } from './found-content.ts';
import { seenSize } from './found-images.ts';
import type { FoundImage, FoundObject } from './found-images.ts';
import type { FolderTarget } from './write-folder.ts';
import type { FoundFolderFormat } from './format.ts';

export const voc: FoundFolderFormat = {
  name: 'voc',
  of: 'found',
  place: 'folder',
  ending: '',
  tasks: ['detection'],
  options: [],
  isText: false,
  write: writeVoc,
};

/** Pascal VOC's annotations: `Annotations/<path>.xml`. Images that were never read have none. */
async function writeVoc({ images, names, count }: FoundContent, target: FolderTarget): Promise<void> {
  for (const some of images()) {
    for (const image of some) {
      const size = seenSize(image);
      if (size === undefined) continue;
      await target.write(`Annotations/${names.file(image.path, '.xml')}`, annotation(image, size));
      count(image);
    }
  }
}

function annotation({ path, objects }: FoundImage, size: { width: number; height: number }): string {
  const folder = posix.dirname(path);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<annotation>',
    element('folder', folder === '.' ? '' : folder),
    element('filename', posix.basename(path)),
    element('path', path),
    '<source><database>Winnow</database></source>',
    `<size>${element('width', size.width)}${element('height', size.height)}${element('depth', 3)}</size>`,
    element('segmented', 0),
    ...objects.map((object) => describe(object, size)),
    '</annotation>\n',
  ].join('\n');
}

/** VOC counts pixels from 1, and both ends are in the box. */
function describe({ label, box }: FoundObject, { width, height }: { width: number; height: number }): string {
  const [left, top] = [Math.min(Math.round(box.x) + 1, width), Math.min(Math.round(box.y) + 1, height)];
  const right = Math.max(left, Math.min(Math.round(box.x + box.width), width));
  const bottom = Math.max(top, Math.min(Math.round(box.y + box.height), height));
  const ends = { xmin: left, ymin: top, xmax: right, ymax: bottom };
  const bounds = Object.entries(ends).map(([name, value]) => element(name, value));
  return `<object>${element('name', label)}<pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult><bndbox>${bounds.join('')}</bndbox></object>`;
}

function element(name: string, value: string | number): string {
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

/** What XML cannot hold becomes a question mark; line ends and tabs stay as they are only as references. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')
    .replace(/[&<>\t\r\n]/g, (character) => `&#${character.charCodeAt(0)};`);
}
