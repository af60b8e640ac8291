import type { NativeAddon } from '../addon.ts';
import { answerRequests } from './answer-requests.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import { PictureTrainer } from '../predict/picture-trainer.ts';
import type { TrainingCallResults, TrainingRequest } from './training-messages.ts';

/** Answers the trainer client's requests in this process until the channel closes. */
export function serveTraining(addon: NativeAddon, decoder: ImageDecoder): void {
  const trainer = new PictureTrainer(addon, decoder);
  answerRequests((request) => perform(trainer, request as TrainingRequest));
}

function perform(
  trainer: PictureTrainer,
  request: TrainingRequest,
): Promise<TrainingCallResults[TrainingRequest['call']]> {
  switch (request.call) {
    case 'inspect':
      return trainer.inspect(request.paths, request.options);
    case 'open':
      return trainer.open(request.setup);
    case 'step':
      return trainer.step(request.request);
    case 'saveState':
      return trainer.saveState(request.path);
    case 'saveWeights':
      return trainer.saveWeights(request.path, request);
    case 'predict':
      return trainer.predict(request.packagePath, request.paths, request.dial);
    case 'addFeatures':
      return trainer.addFeatures(request.packagePath, request.examples, request.dial);
    case 'solveHead':
      return trainer.solveHead(request);
  }
}
