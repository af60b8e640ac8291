import { loadAddon } from './addon.ts';
import { prepareDecoder } from './pictures/decode-image.ts';
import { serveTraining } from './hosts/serve-training.ts';

// The process that trains: it decodes pictures, varies them and owns the trainer. It may crash; its states are files.
serveTraining(loadAddon(), prepareDecoder());
