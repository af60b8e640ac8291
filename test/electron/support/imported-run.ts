import { Library } from '../../../electron/core/store/library.ts';
import { sha256OfTool } from '../../../electron/core/store/tables/models.ts';
import type { ToolOutcome } from '../../../electron/core/store/tables/results.ts';
import type { Label, Task, ToolManifest } from '../../../electron/shared/model-package.ts';
import { makeFound } from './found.ts';
import type { MadeUp } from './found.ts';

/**
 * What another tool says of a file: what is in it, by boxes alone where it `isBoxed`; that it failed; null: that nothing is in
 * it, while nobody knows its size.
 */
export type Imported = (MadeUp & { isBoxed?: boolean }) | 'failed' | null;

interface Tool {
  task: Task;
  labels: Label[];
  size: readonly [width: number, height: number]; // of the pictures
}

/** Puts a run of another tool on `folder` into the library: relative path -> what is in it. Returns its number. */
export function saveImported(
  libraryPath: string,
  folder: string,
  { task, labels, size }: Tool,
  files: Record<string, Imported>,
): number {
  const library = Library.open(libraryPath);
  try {
    const manifest: ToolManifest = { tool: 'other', task, labels };
    const sha256 = sha256OfTool(manifest);
    library.models.put({ sha256, name: 'other', path: '', manifest });
    const imported = { path: '/labels.json', format: 'coco', task };
    const spec = { folders: [folder], modelName: 'other', modelSha256: sha256, imported };
    const runId = library.runs.beginImport(spec, '2026-01-02T03:04:05.000Z');
    const { id: folderId } = library.folders.ensure(folder);
    const scan = library.folders.beginScan(folderId);
    for (const [relativePath, found] of Object.entries(files)) {
      const imageId = library.images.see(folderId, { relativePath, fileSize: 1, modifiedMs: 1 }, scan);
      if (found !== null) library.images.setSize(imageId, { width: size[0], height: size[1] });
      library.results.add(runId, imageId, toolOutcome(found, size));
    }
    library.folders.endScan(folderId, scan);
    library.runs.endImport(runId);
    return runId;
  } finally {
    library.close();
  }
}

function toolOutcome(imported: Imported, size: Tool['size']): ToolOutcome {
  if (imported === 'failed') return { status: 'failed', reason: 'broken' };
  const { detections, regions } = makeFound(imported ?? {}, size);
  const boxes = detections?.map(({ classIndex, score, box }) => ({ classIndex, score, box }));
  const found = imported?.isBoxed === true ? boxes : detections;
  return { status: 'ok', top: [], ...(regions && { regions }), ...(found && { detections: found }) };
}
