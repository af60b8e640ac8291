import { isToolManifest } from '../../shared/model-package.ts';
import type { DetectionHead, Manifest, OneStageHead, RunManifest } from '../../shared/model-package.ts';
import { forTask } from '../../shared/tasks.ts';

export function isOneStage(head: DetectionHead): head is OneStageHead {
  return head.kind === 'one-stage';
}

/** What a detection model's head is called, inside of a sentence. */
export function detectorName(head: DetectionHead): string {
  if (isOneStage(head)) return 'one-stage detector';
  return head.stages > 1 ? 'Cascade Mask R-CNN' : 'Mask R-CNN';
}

/** Whether what a model finds may have masks; that of a tool may. */
export function findsMasks(manifest: RunManifest): boolean {
  if (isToolManifest(manifest)) return true;
  return forTask<Manifest, boolean>(manifest, {
    classification: () => false,
    segmentation: () => true,
    detection: ({ head }) => !isOneStage(head) || head.prototypes !== undefined,
  });
}
