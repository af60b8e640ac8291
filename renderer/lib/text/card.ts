import { localFigures } from './figures.ts';
import type { Language, MessageKey, Translate } from './messages.ts';
import { saidText } from './said.ts';

/** Message keys of the facts of a card, by their English names. */
const NAMES: Readonly<Record<string, MessageKey>> = {
  Model: 'new-run.model',
  File: 'image.facts',
  Architecture: 'card.architecture',
  Size: 'card.size',
  Input: 'models.column-input',
  Head: 'card.head',
  Positions: 'card.positions',
  'Patch pruning': 'card.pruning',
  'Scan directions': 'card.directions',
  Work: 'card.work',
  Labels: 'facets.classes',
  'Weights from': 'card.weights',
  'SHA-256 of that': 'card.sha256',
  Licence: 'card.licence',
  'Published top-1': 'card.published',
  'To be cited as': 'card.citation',
  Page: 'card.page',
  Trained: 'card.trained',
  'SHA-256 of it': 'card.sha256',
  Recipe: 'card.recipe',
  Seed: 'card.seed',
  Pictures: 'card.pictures',
  'Hold-out': 'card.holdout',
  Confidence: 'facets.confidence',
  Pixels: 'card.pixels',
  Masks: 'card.masks',
};
/** Message keys of the headings of a card's tables. */
const COLUMNS: Readonly<Record<string, MessageKey>> = {
  Keep: 'card.column-keep',
  'Top-1': 'evaluate.top1',
  Blocks: 'card.column-blocks',
  Work: 'training.column-work',
  Epoch: 'training.epoch',
  Loss: 'training.loss',
  Accuracy: 'training.accuracy',
  'Hold-out': 'card.holdout',
  Class: 'card.column-class',
  Learned: 'card.column-learned',
  'Held out': 'card.column-held-out',
  Right: 'card.column-right',
  Is: 'training.true-class',
  'Taken for': 'card.column-taken-for',
  Pictures: 'card.pictures',
};
/** Headings of columns with names of classes, which stay as they are. */
const NAME_COLUMNS = ['Class', 'Is', 'Taken for'];
const PRESET = /^Preset (fast|balanced|accurate)$/;

/** The name of a fact in the window's language; in English where it has no message. */
export function factName(name: string, t: Translate): string {
  const preset = PRESET.exec(name)?.[1] as 'fast' | 'balanced' | 'accurate' | undefined;
  if (preset !== undefined) return t('card.preset', { preset: t(`preset.${preset}`) });
  const key = NAMES[name];
  return key === undefined ? name : t(key);
}

/** A model card in parts: facts, one a line, and notes: tables, and simple Markdown. */
export interface Card {
  facts: { name: string; value: string }[];
  notes: Note[];
}

type Note =
  { kind: 'heading'; text: string } | { kind: 'text'; text: string } | { kind: 'table'; rows: string[][] };

const GAP = / {2,}/; // between the columns of a table
const FACT = /^(\S.*?) {2,}(\S.*)$/;

/** The parts of a card as `showModel` returns it. All that is not a fact is a note, so that nothing is left out. */
export function parseCard(card: string): Card {
  const parts: Card = { facts: [], notes: [] };
  for (const block of card.split(/\n\s*\n/)) {
    const lines = block.split('\n').filter((line) => line.trim() !== '');
    const facts = lines.map((line) => FACT.exec(line));
    const rows = lines.map((line) => line.split(GAP));
    if ((rows[0]?.length ?? 0) > 2) {
      parts.notes.push({ kind: 'table', rows });
    } else if (parts.notes.length === 0 && lines.length > 0 && facts.every((fact) => fact !== null)) {
      parts.facts.push(...facts.map(([, name = '', value = '']) => ({ name, value })));
    } else if (lines.length > 0) {
      parts.notes.push(...notesOf(lines));
    }
  }
  return parts;
}

function notesOf(lines: string[]): Note[] {
  const [first = '', ...rest] = lines;
  const heading = /^#+\s+(.*)$/.exec(first);
  if (heading)
    return [{ kind: 'heading', text: heading[1] ?? '' }, ...(rest.length > 0 ? notesOf(rest) : [])];
  if (lines.every((line) => line.startsWith('|'))) return [{ kind: 'table', rows: rowsOf(lines) }];
  return [{ kind: 'text', text: lines.join('\n') }];
}

/** The rows of a card's table in the window's language: headings that are known, and figures, but no names of classes. */
export function tableCells(rows: readonly string[][], language: Language, t: Translate): string[][] {
  const [head = [], ...others] = rows;
  const heading = (cell: string) => {
    const key = COLUMNS[cell];
    return key === undefined ? localFigures(cell, language) : t(key);
  };
  const body = others.map((cells) => {
    if (cells.length === 1) return cells.map((cell) => saidText(cell, language, t) ?? cell);
    return cells.map((cell, column) =>
      NAME_COLUMNS.includes(head[column] ?? '') ? cell : localFigures(cell, language),
    );
  });
  return [head.map(heading), ...body];
}

/** Cells of a Markdown table, without the line below its header. */
function rowsOf(lines: string[]): string[][] {
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
}
