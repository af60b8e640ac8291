import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { serveTraining } from '../../../../electron/engine/hosts/serve-training.ts';
import { TrainingAddon } from '../../support/training-addon.ts';

// A training host that learns nothing, and that some seeds are fatal to.
const addon = new TrainingAddon();
addon.meanwhile = async ({ seed }) => {
  if (seed === 66) process.exit(7);
  if (seed === 67) process.kill(process.pid, 'SIGKILL');
  if (seed === 99) await new Promise(() => undefined);
};

serveTraining(addon, prepareDecoder());
