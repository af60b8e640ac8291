import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { dirname, join, posix } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { LabelFormat, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readWholeText } from '../label-text.ts';
import { withoutExtension } from '../../export/output-names.ts';
import { voc as exported } from '../../export/voc.ts';

/** Pascal VOC's annotations: an XML file for each picture. */
export const voc: LabelFormat = {
  name: exported.name,
  about: 'Pascal VOC: a folder of XML files',
  perFile: true,
  recognise: ({ start }) => /<annotation[\s>]/.test(start),
  read,
};

const LARGEST = 16 * 2 ** 20; // bytes of one file
const isXml = (file: string) => /\.xml$/i.test(file);

async function read(source: LabelSource, sink: LabelSink, { onProgress }: ReadOptions): Promise<void> {
  sink.task('detection');
  const folder = source.files === undefined ? dirname(source.path) : source.path;
  const files = source.files?.filter(isXml) ?? [posix.basename(source.path.replaceAll('\\', '/'))];
  const seen = new Map<string, string>();
  for (const [index, file] of files.entries()) {
    onProgress(index, files.length);
    const text = await readWholeText(join(folder, file), LARGEST, () =>
      sink.notice(latinNotice(join(folder, file))),
    );
    const root = parse(text, join(folder, file));
    if (root === undefined) sink.skip('badEntry', file);
    else readAnnotation(root, file, sink, seen);
  }
  onProgress(files.length, files.length);
}

/**
 * The element `annotation`; undefined for other XML, and for what is none. A document type could have entities that unfold to any
 * size or read other files, and no annotation needs one: throws BAD_ARGUMENT.
 */
function parse(text: string, path: string): Element | undefined {
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected an annotation in ${path}, but it has a document type, which may hide anything`,
      'Remove its document type; nothing was taken in.',
    );
  }
  try {
    const parser = new DOMParser({
      onError: (level, message) => {
        if (level !== 'warning') throw new Error(message);
      },
    });
    const root = parser.parseFromString(text, 'text/xml').documentElement;
    return root?.nodeName === 'annotation' ? root : undefined;
  } catch {
    return undefined;
  }
}

function readAnnotation(root: Element, file: string, sink: LabelSink, seen: Map<string, string>): void {
  const name = nameOf(root, file);
  const isStem = name !== undefined && posix.extname(name) === ''; // as old versions of labelImg have it
  if (name === undefined) {
    sink.skip('badEntry', `${file}, which names no picture`);
    return;
  }
  if (seen.has(name)) {
    sink.skip('twice', `${file}, about the same picture as ${seen.get(name) ?? ''}`);
    return;
  }
  seen.set(name, file);
  const size = child(root, 'size');
  const [width, height] = ['width', 'height'].map((side) =>
    size === undefined ? NaN : numberIn(size, side),
  );
  const isKnown =
    Number.isSafeInteger(width) && Number.isSafeInteger(height) && Number(width) > 0 && Number(height) > 0;
  sink.image(
    { key: file, name, isStem, size: isKnown ? { width: Number(width), height: Number(height) } : undefined },
    file,
  );
  for (const [index, object] of children(root, 'object').entries())
    readObject(object, file, `${file}, object ${index + 1}`, sink);
}

/** The picture's path as the file states it, else its name in the folder that mirrors that of the pictures. */
function nameOf(root: Element, file: string): string | undefined {
  const path = textIn(root, 'path');
  const filename = textIn(root, 'filename');
  const last = path.split(/[\\/]/).at(-1) ?? '';
  if (path !== '' && ['', last, withoutExtension(last)].includes(filename)) return path;
  if (path !== '' && path.endsWith(`/${filename}`)) return path;
  if (filename === '') return undefined;
  const folders = posix.dirname(file).replace(/(^|\/)Annotations(?=\/|$)/, '');
  return posix.join(folders, filename).replace(/^\//, '');
}

/** VOC counts pixels from 1, and both ends are in the box. */
function readObject(object: Element, key: string, where: string, sink: LabelSink): void {
  const label = textIn(object, 'name');
  const bounds = child(object, 'bndbox');
  const ends = ['xmin', 'ymin', 'xmax', 'ymax'].map((end) =>
    bounds === undefined ? NaN : numberIn(bounds, end),
  );
  if (label === '' || !ends.every(Number.isFinite)) {
    sink.skip(label === '' ? 'badEntry' : 'badBox', where);
    return;
  }
  const [left = 0, top = 0, right = 0, bottom = 0] = ends;
  const box = { x: left - 1, y: top - 1, width: right - left + 1, height: bottom - top + 1 };
  const score = numberIn(object, 'score'); // of some detectors
  sink.class(label, label);
  sink.box(
    { key, classId: label, score: Number.isFinite(score) ? score : undefined, box, isShare: false },
    where,
  );
}

function children(element: Element, name: string): Element[] {
  return Array.from(element.childNodes).filter(
    (node): node is Element => node.nodeType === 1 && node.nodeName === name,
  );
}

function child(element: Element, name: string): Element | undefined {
  return children(element, name)[0];
}

function textIn(element: Element, name: string): string {
  return child(element, name)?.textContent?.trim() ?? '';
}

/** NaN where there is none. */
function numberIn(element: Element, name: string): number {
  const text = textIn(element, name);
  return text === '' ? NaN : Number(text);
}
