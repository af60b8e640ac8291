import { loadAddon } from './addon.ts';
import { prepareDecoder } from './pictures/decode-image.ts';
import { serve } from './hosts/serve.ts';

// The process that decodes images and owns the native addon. Decoders and drivers crash; this one may.
serve(loadAddon(), prepareDecoder());
