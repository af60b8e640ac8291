import type { Calibration, CalibrationPoint } from '../../../electron/shared/calibration.ts';

/** A point of a made-up curve; of 1,000 images all agree unless it is told otherwise. */
export function point(imagesPerSecond: number, rest: Partial<CalibrationPoint>): CalibrationPoint {
  return {
    tokenKeep: [1, 1, 1],
    blockThreshold: 0.5,
    precision: 'fp32',
    imagesPerSecond,
    flops: 1e6,
    blockKeep: 0.8,
    agreeing: 1000,
    right: 600,
    lost: 0,
    gained: 0,
    ...rest,
  };
}

/** A made-up calibration on 1,000 images, without labels unless it is told otherwise. */
export function curve(points: CalibrationPoint[], rest: Partial<Calibration> = {}): Calibration {
  return {
    modelSha256: 'ab'.repeat(32),
    device: 'cpu',
    machine: 'a double',
    engine: '1 (fp32)',
    threads: 2,
    createdAt: '2026-01-02T03:04:05.000Z',
    folder: '/pictures',
    images: 1000,
    labelled: 0,
    population: 1000,
    task: 'classification',
    points,
    ...rest,
  };
}
