import type { CatalogueModel } from '../../../electron/shared/catalogue.ts';
import type { Formats } from '../../lib/text/format.ts';

const WEIGHT = 4; // bytes

/** Bytes of the package that a model of the catalogue becomes. */
export function weightBytes({ parameters }: Pick<CatalogueModel, 'parameters'>): number {
  return parameters * WEIGHT;
}

/** A published percentage as it is published: one digit behind the point. */
export function percentText(percent: number, format: Formats): string {
  return `${format.oneDigit(percent)}\u00a0%`;
}
