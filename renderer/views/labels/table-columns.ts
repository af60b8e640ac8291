import type { LabelColumns, LabelTable } from '../../../electron/shared/api/labels.ts';

/** What a person has chosen in place of the columns that were found by their names; '' for none. */
export interface ChosenColumns {
  file?: string;
  label?: string;
  score?: string;
  box?: readonly string[]; // left, upper, and width and height or right and lower; '' where nothing is chosen yet
  corners?: boolean;
}

const SIDES = 4;

/** The columns of the box as they stand: as a person chose them, else as they were found; '' for those that are not. */
export function boxOf({ found }: LabelTable, chosen: ChosenColumns): string[] {
  return Array.from({ length: SIDES }, (_, index) => (chosen.box ?? found.box ?? [])[index] ?? '');
}

/** Whether a box has some of its columns, and not all. */
export function hasPartOfBox(box: readonly string[]): boolean {
  const count = box.filter((name) => name !== '').length;
  return count > 0 && count < SIDES;
}

/** Whether the columns of files and of labels are known. */
export function hasFilesAndLabels({ found }: LabelTable, chosen: ChosenColumns): boolean {
  const { file = found.file ?? '', label = found.label ?? '' } = chosen;
  return file !== '' && label !== '';
}

/** Whether a table can be read with these columns: files and labels have one, and boxes all of theirs or none. */
export function areComplete(table: LabelTable, chosen: ChosenColumns): boolean {
  return hasFilesAndLabels(table, chosen) && !hasPartOfBox(boxOf(table, chosen));
}

/** The columns as an import is asked for them: those that differ from what is found; undefined where none does. */
export function toColumns(table: LabelTable, chosen: ChosenColumns): LabelColumns | undefined {
  const { found } = table;
  const box = boxOf(table, chosen);
  const { corners = found.corners ?? false } = chosen;
  const hasBox = box.every((name) => name !== '');
  const isOtherBox =
    box.some((name, index) => name !== (found.box?.[index] ?? '')) ||
    (hasBox && corners !== (found.corners ?? false));
  const columns: LabelColumns = {
    ...(chosen.file !== undefined && chosen.file !== found.file && { file: chosen.file }),
    ...(chosen.label !== undefined && chosen.label !== found.label && { label: chosen.label }),
    ...(chosen.score !== undefined &&
      chosen.score !== (found.score ?? '') && { score: chosen.score === '' ? null : chosen.score }),
    ...(isOtherBox && { box: hasBox ? box : null, corners }),
  };
  return Object.keys(columns).length === 0 ? undefined : columns;
}
