import type { EngineApi } from '../../shared/engine-api.ts';
import type { Library } from '../store/library.ts';
import type { Exported } from './columns.ts';
import type { FoundImage } from './found-images.ts';
import type { OutputNames } from './output-names.ts';

/** What an export of detections or regions is made of. */
export interface FoundContent {
  exported: Exported;
  /** The images in order, from the first on at every call. */
  images: () => Iterable<FoundImage[]>;
  names: OutputNames;
  /** To be told of every image that is written, with its objects. */
  count: (image: FoundImage) => void;
  engine: EngineApi;
  library: Library;
  /** Hears of an image whose picture cannot be had now. `path`: absolute; `error`: the reason, one sentence. */
  onFailure: (path: string, error: string) => void;
}
