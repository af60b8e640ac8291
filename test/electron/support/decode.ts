import { prepareDecoder } from '../../../electron/engine/pictures/decode-image.ts';

/** As the engine host has it. */
export const decoder = prepareDecoder();

/** Header and pixels of a picture's bytes, as the engine host reads them; `resize`: of the shorter side, at most. */
export async function decodePicture(bytes: Buffer, resize = Infinity) {
  const header = await decoder.readHeader(bytes);
  return { header, picture: await decoder.decode(bytes, header, resize) };
}
