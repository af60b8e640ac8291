import { loadAddon } from '../../../../electron/engine/addon.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { serve } from '../../../../electron/engine/hosts/serve.ts';

// The real engine host, with a decoder that some files are fatal to: by what the file's text says.
const decoder = prepareDecoder();

serve(loadAddon(), {
  ...decoder,
  readHeader: (bytes) => {
    const text = bytes.subarray(0, 20).toString('latin1');
    if (text.startsWith('ABORT')) process.abort();
    if (text.startsWith('EXIT')) process.exit(7);
    if (text.startsWith('HANG')) return new Promise(() => undefined);
    return decoder.readHeader(bytes);
  },
});
