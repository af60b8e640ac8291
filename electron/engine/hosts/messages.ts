import { AppError, isHostErrorCode } from '../../shared/errors.ts';
import type { HostErrorCode } from '../../shared/errors.ts';
import type {
  Box,
  EngineDial,
  EngineModel,
  ImageOutcome,
  Mark,
  RenderedPicture,
  RenderOptions,
} from '../../shared/engine-api.ts';
import type { Device } from '../../shared/run.ts';

/** What the client asks of the host; pixels never travel but as encoded pictures. */
export type HostCall =
  | { call: 'devices'; withGpus: boolean }
  | { call: 'open'; model: EngineModel }
  | { call: 'predict'; paths: readonly string[]; dial: EngineDial }
  | { call: 'render'; path: string; options: RenderOptions }
  | { call: 'crop'; path: string; boxes: readonly Box[] }
  | { call: 'overlay'; path: string; marks: readonly Mark[] };

/** Calls about one picture that need no model. */
export type PictureCall = Extract<HostCall, { call: 'render' | 'crop' | 'overlay' }>;

/** What each call comes back with. */
export interface HostResults {
  devices: Device[];
  open: undefined;
  predict: ImageOutcome[];
  render: RenderedPicture;
  crop: (Uint8Array | undefined)[];
  overlay: Uint8Array;
}

export type HostRequest = HostCall & { id: number };

/** What any host is asked: a call by name, with its arguments and a number for the answer. */
export interface AnyRequest {
  call: string;
  id: number;
}

export interface HostError {
  code: HostErrorCode;
  message: string;
  hint: string | undefined;
}

/** One message per request, and one `ready` when the host has loaded. */
export type HostReply =
  | { kind: 'ready' }
  | { kind: 'value'; id: number; value: unknown }
  | { kind: 'error'; id: number; error: HostError };

/** An error as it crosses the process; what has no code of a host's is a failure of the engine. */
export function toHostError(error: unknown): HostError {
  if (!(error instanceof Error)) return { code: 'ENGINE', message: String(error), hint: undefined };
  const code = 'code' in error && isHostErrorCode(error.code) ? error.code : 'ENGINE';
  return { code, message: error.message, hint: error instanceof AppError ? error.hint : undefined };
}
