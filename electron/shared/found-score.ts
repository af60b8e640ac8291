/** Detections below this count as not found where nobody says otherwise; an image without any above it is blank. */
export const SHOWN_SCORE = 0.5;
