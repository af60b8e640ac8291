import type { TestContext } from 'node:test';
import { EngineClient } from '../../../electron/engine/hosts/engine-client.ts';
import type { EngineClientOptions } from '../../../electron/engine/hosts/engine-client.ts';
import type { EngineModel } from '../../../electron/shared/engine-api.ts';
import { everyday10 } from './models.ts';

/** The model that comes with Winnow, on the processor. */
export const everydayModel: EngineModel = {
  packagePath: everyday10,
  device: 'cpu',
  threads: 2,
  precision: 'fp32',
  input: { task: 'classification', resize: 32, crop: 32 },
};

/** Its Balanced. */
export const everydayDial = { tokenKeep: [0.7, 0.49, 0.343], blockThreshold: 0.5 };

/** An engine in a process of its own, closed at the test's end. */
export function engineClient(t: TestContext, options: EngineClientOptions = {}): EngineClient {
  const engine = new EngineClient(options);
  t.after(() => engine.close());
  return engine;
}
