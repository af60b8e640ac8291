import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DeviceEngine } from '../../../electron/engine/devices/device-engine.ts';
import type { DeviceEngineOptions } from '../../../electron/engine/devices/device-engine.ts';
import { forkHost } from '../../../electron/engine/hosts/start-host.ts';
import { parts, sampleParts } from './models.ts';
import { keptText } from '../../../electron/core/files/kept-text.ts';

/** A GPU of test/electron/engine/hosts/gpu-host.ts: the processor computes for it, and it fails as it is told. */
export interface FakeGpu {
  name: string;
  driver?: string;
  freeBytes?: number;
  reason?: string;
  /** Images that it has memory for at a time; 0: not even for a model. */
  fits?: number;
  /** Only of models for a run; the trial goes well. */
  later?: {
    fits?: number;
    /** The prediction, from 1, at which it is lost, or its process crashes, every time. */
    lostAt?: number;
    crashesAt?: number;
    slow?: number; // milliseconds for a prediction
  };
  trial?: 'crashes' | 'wrong' | 'hangs' | 'prunes otherwise';
}

/** What the fake machine has and does, in a file that its hosts read. */
export interface FakeMachine {
  gpus: FakeGpu[];
  searchCrashes?: boolean;
}

/** An engine over a machine with fake GPUs, and what became of it. */
export class FakeGpus {
  readonly engine: DeviceEngine;
  readonly notes: string[] = [];
  readonly crashes: string[] = [];
  readonly folder: string; // of its log, and by default of its trials

  constructor(
    t: TestContext,
    folder: string,
    machine: FakeMachine,
    options: Partial<DeviceEngineOptions> = {},
  ) {
    this.folder = folder;
    this.change(machine);
    this.engine = new DeviceEngine({
      hostEntry: join(import.meta.dirname, '../engine/hosts/gpu-host.ts'),
      startHost: (entry, environment) => forkHost(entry, { ...environment, WINNOW_FAKE_MACHINE: folder }),
      trials: keptText(join(folder, 'devices.json')),
      trial: { packagePath: parts, pictures: sampleParts },
      ...options,
    });
    this.engine.onNote((note) => this.notes.push(note));
    this.engine.onCrash((reason) => this.crashes.push(reason));
    t.after(() => this.engine.close());
  }

  change(machine: FakeMachine): void {
    writeFileSync(join(this.folder, 'machine.json'), JSON.stringify(machine));
  }

  /**
   * What hosts did so far: `trial cuda:0` when a model of the trial was loaded, `run cuda:0 16` when images were predicted.
   */
  log(): string[] {
    const path = join(this.folder, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  }

  /** Images that a device has answered in runs. */
  imagesOf(device: string): number {
    const lines = this.log().map((line) => line.split(' '));
    return lines.reduce(
      (sum, [what, name, images]) => sum + (what === 'run' && name === device ? Number(images) : 0),
      0,
    );
  }
}

/** For the host: adds a line to the log. */
export function note(folder: string, line: string): void {
  appendFileSync(join(folder, 'log'), `${line}\n`);
}
