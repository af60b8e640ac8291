/** Where a picture lies on the stage: `scale` CSS pixels per pixel of the picture, its corner at (x, y). */
export interface Placement {
  x: number;
  y: number;
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

const MOST = 16; // largest scale, CSS pixels per pixel of the picture
const MARGIN = 16; // around a picture that fits, CSS pixels

/** Places the whole picture in the middle of the stage; a small one is enlarged at most four times. */
export function fit(picture: Size, stage: Size): Placement {
  const room = {
    width: Math.max(1, stage.width - 2 * MARGIN),
    height: Math.max(1, stage.height - 2 * MARGIN),
  };
  const scale = Math.min(4, room.width / picture.width, room.height / picture.height);
  return centred(picture, stage, scale);
}

export function centred(picture: Size, stage: Size, scale: number): Placement {
  return {
    scale,
    x: (stage.width - picture.width * scale) / 2,
    y: (stage.height - picture.height * scale) / 2,
  };
}

/** Smallest and largest scale that a person can zoom to. */
export function scaleExtent(picture: Size, stage: Size): [number, number] {
  const whole = fit(picture, stage).scale;
  return [Math.min(whole / 2, 1), Math.max(whole, MOST)];
}
