import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeAgreement } from '../../../../electron/core/calibration/agreement.ts';
import type { Box, Detection, ImageOutcome, Mask, Region } from '../../../../electron/shared/engine-api.ts';

type Predicted = Extract<ImageOutcome, { status: 'ok' }>;

function outcome(rest: Partial<Predicted>): Predicted {
  const facts = { version: undefined, width: 4, height: 2, capturedAt: undefined };
  const receipt = { directions: new Uint8Array(0), survived: new Uint8Array(0), milliseconds: 1 };
  return { status: 'ok', facts, top: [], receipt, ...rest };
}

/** Masks of 4 x 2 pixels, as COCO writes their columns: all, the left half, the right half, none. */
const all: Mask = { area: 8, counts: '08' }; // 0 outside, 8 inside
const left: Mask = { area: 4, counts: '044' };
const right: Mask = { area: 4, counts: '44' };
const region = (classIndex: number, mask: Mask): Region => ({ classIndex, mask });

const box: Box = { x: 0, y: 0, width: 10, height: 10 };
const detection = (classIndex: number, score: number, moved = 0): Detection => ({
  classIndex,
  score,
  mask: all,
  box: { ...box, x: moved },
});

suite('the agreement with Accurate', () => {
  test('of labels counts the images with the same best class', () => {
    const agreement = makeAgreement('classification');
    const label = (classIndex: number) => outcome({ top: [{ classIndex, confidence: 1 }] });
    agreement.add(label(3), label(3));
    agreement.add(label(3), label(4));
    assert.equal(agreement.agreeing(), 1);
  });

  test('of maps is the mean over the classes of intersection over union in all images', () => {
    const agreement = makeAgreement('segmentation');
    const halves = outcome({ regions: [region(1, left), region(2, right)] });
    agreement.add(halves, halves);
    agreement.add(halves, outcome({ regions: [region(1, all)] }));
    // Class 1: (4 + 4) / (4 + 8); class 2: 4 / (4 + 4).
    assert.ok(Math.abs(agreement.agreeing() - 2 * ((8 / 12 + 4 / 8) / 2)) < 1e-12);
  });

  test('of a class that only the other finds is none', () => {
    const agreement = makeAgreement('segmentation');
    agreement.add(outcome({ regions: [region(1, all)] }), outcome({ regions: [region(2, all)] }));
    assert.equal(agreement.agreeing(), 0);
  });

  test('of boxes is the average precision against what Accurate is sure of', () => {
    const agreement = makeAgreement('detection');
    const sure = outcome({ detections: [detection(0, 0.9), detection(1, 0.8), detection(2, 0.1)] });
    agreement.add(sure, outcome({ detections: [detection(0, 0.7, 2), detection(1, 0.6, 8)] }));
    // Class 0 overlaps by 80 of 120, class 1 by 20 of 180; class 2 is too unsure to count.
    assert.ok(Math.abs(agreement.agreeing() - 0.5) < 1e-9);
  });

  test('of boxes counts every image, as that of labels does', () => {
    const agreement = makeAgreement('detection');
    const found = outcome({ detections: [detection(0, 0.9)] });
    for (let image = 0; image < 3; image++) agreement.add(found, found);
    assert.equal(agreement.agreeing(), 3);
  });

  test('of images in which neither finds anything is full', () => {
    const agreement = makeAgreement('detection');
    agreement.add(outcome({ detections: [] }), outcome({ detections: [] }));
    assert.equal(agreement.agreeing(), 1);
  });
});
