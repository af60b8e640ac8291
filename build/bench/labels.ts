import fs from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { AppService } from '../../electron/core/app-service.ts';
import type { LabelRequest } from '../../electron/shared/api/labels.ts';
import { makeLargeLibrary } from '../../test/electron/support/large-library.ts';
import { libraryApp } from './library-app.ts';
import { printTable, timed } from './tables.ts';

const BOXES = 5; // in each image
const CLASSES = 20;

/** Labels that others made of very many images, into the library: how long it takes, and how long others wait meanwhile. */
export async function benchLabels(work: string, count: number): Promise<void> {
  const libraryPath = path.join(work, 'labels.db');
  const folder = path.join(work, 'large');
  const { runId } = await makeLargeLibrary(libraryPath, folder, { images: count });
  const app = libraryApp(libraryPath, work);
  const names = (await pathsOf(app, runId)).map(
    (name) => `D:\\\\elsewhere\\\\${name.replaceAll('/', '\\\\')}`,
  );
  const coco = path.join(work, 'coco.json');
  const detector = path.join(work, 'megadetector.json');
  writeCoco(coco, names);
  writeMegaDetector(detector, names);
  const rows: string[][] = [];
  const measure = async (name: string, ask: () => Promise<unknown>) => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const seconds = (await timed(ask)) / 1000;
    delay.disable();
    rows.push([name, seconds.toFixed(1), (delay.max / 1e6).toFixed(0)]);
  };
  const run = (file: string): LabelRequest => ({
    path: file,
    folder,
    purpose: { kind: 'run', tool: 'another' },
  });
  const megabytes = (file: string) => `${(fs.statSync(file).size / 1e6).toFixed(0)} MB`;
  await measure(`COCO (${megabytes(coco)}), dry run`, () => app.inspectLabels(run(coco)));
  await measure('COCO, as a run', () => app.importLabels(run(coco)));
  await measure(`MegaDetector (${megabytes(detector)}), as a run`, () => app.importLabels(run(detector)));
  const reviews: LabelRequest = { ...run(coco), purpose: { kind: 'reviews', by: 'somebody' } };
  await measure('COCO, as reviews with boxes', () => app.importLabels(reviews));
  await measure('their undo', () => app.undoReview({}));
  printTable([`${count} images with ${count * BOXES} boxes`, 's', 'longest wait of others, ms'], rows);
  console.log(`\nMost memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  await app.close();
  for (const made of [libraryPath, coco, detector]) fs.rmSync(made);
}

async function pathsOf(app: AppService, runId: number): Promise<string[]> {
  const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
  const paths: string[] = [];
  for (let first = 0; first < imageIds.length; first += 500) {
    const items = await app.resultItems({ runId, imageIds: [...imageIds.subarray(first, first + 500)] });
    paths.push(...items.map(({ relativePath }) => relativePath));
  }
  return paths;
}

/** Numbers between 0 and 1 that look like chance. */
const noise = (index: number, of: number) => Math.abs(Math.sin(index * 12.9898 + of * 78.233)) % 1;

function writeLines(file: string, start: string, lines: Iterable<string>, end: string): void {
  const out = fs.openSync(file, 'w');
  fs.writeSync(out, start);
  let [separator, text] = ['', ''];
  for (const line of lines) {
    text += separator + line;
    separator = ',\n';
    if (text.length < 1 << 20) continue;
    fs.writeSync(out, text);
    text = '';
  }
  fs.writeSync(out, text + end);
  fs.closeSync(out);
}

function writeCoco(file: string, names: readonly string[]): void {
  const images = names.map(
    (name, id) => `{"id": ${id}, "file_name": "${name}", "width": 640, "height": 480}`,
  );
  const categories = Array.from({ length: CLASSES }, (_, id) => ({ id, name: `class ${id}` }));
  const start = `{"categories": ${JSON.stringify(categories)}, "images": [${images.join(',\n')}], "annotations": [`;
  function* annotations() {
    for (let id = 0; id < names.length * BOXES; id++) {
      const [x, y] = [500 * noise(id, 1), 350 * noise(id, 2)].map((value) => value.toFixed(2));
      yield `{"id": ${id}, "image_id": ${Math.floor(id / BOXES)}, "category_id": ${id % CLASSES}, "bbox": [${x}, ${y}, 64.5, 48.25], "area": 3112.125, "iscrowd": 0, "segmentation": []}`;
    }
  }
  writeLines(file, start, annotations(), ']}');
}

function writeMegaDetector(file: string, names: readonly string[]): void {
  function* images() {
    for (const [index, name] of names.entries()) {
      const detections = Array.from({ length: BOXES }, (_, box) => {
        const [x, y] = [0.7 * noise(index, box), 0.7 * noise(index, box + 9)].map((value) =>
          value.toFixed(4),
        );
        return `{"category": "${(box % 3) + 1}", "conf": ${(1 - box / 6).toFixed(3)}, "bbox": [${x}, ${y}, 0.125, 0.25]}`;
      });
      yield `{"file": "${name}", "detections": [${detections.join(', ')}]}`;
    }
  }
  const end =
    '], "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"}, "info": {"format_version": "1.4"}}';
  writeLines(file, '{"images": [', images(), end);
}
