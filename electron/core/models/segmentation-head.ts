import type { ConvolutionHead, SegmentationManifest } from '../../shared/model-package.ts';

/** Whether a segmentation model has the light head; else it is UperNet. */
export function isOfConvolutions(head: SegmentationManifest['head']): head is ConvolutionHead {
  return head.kind === 'convolutions';
}
