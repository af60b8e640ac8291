import { loadAddon } from './addon.ts';
import { prepareDecoder } from './decode-image.ts';
import { serveTraining } from './serve-training.ts';

// The process that trains: it decodes pictures, varies them and owns the trainer. It may crash; its states are files.
serveTraining(loadAddon(), prepareDecoder());
