import { loadAddon } from './addon.ts';
import { prepareDecoder } from './decode-image.ts';
import { serve } from './serve.ts';

// The process that decodes images and owns the native addon. Decoders and drivers crash; this one may.
serve(loadAddon(), prepareDecoder());
