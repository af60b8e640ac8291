import type {
  EngineDial,
  EngineModel,
  ImageOutcome,
  PictureCalls,
  WantedPicture,
} from '../../shared/engine-api.ts';
import type { Device } from '../../shared/run.ts';

/** What an engine host is asked about models; BatchEngine answers. */
export interface ModelCalls {
  /** See NativeAddon. */
  devices(withGpus: boolean): Promise<Device[]>;
  /** Loads a model package on one device; what was open before is closed. */
  open(model: EngineModel): Promise<void>;
  /** See EngineApi. */
  predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]>;
}

/** All that an engine host is asked; pixels never travel but as encoded pictures. */
export interface HostCalls extends ModelCalls, PictureCalls {}
