import type { LabelClass, LabelRequest } from '../../shared/api/labels.ts';
import type { Label } from '../../shared/model-package.ts';
import { classFinder, displayNames } from '../models/class-names.ts';
import type { StagedClass } from './staging-tables.ts';

/** What the classes of a file become, how often each of them is there, and how often it comes in. */
export class ClassMap {
  /** The classes of a run of another tool, in the order of the file. */
  readonly labels: Label[] = [];
  /** Names that something was said of, and that no class of the file has. */
  readonly unknown: readonly string[];
  readonly #byId = new Map<string, LabelClass>();
  readonly #indices = new Map<string, number>();

  /**
   * `known`: the classes that the labels are reviews of; undefined for a run, whose classes are those of the file. A name that
   * `chosen` has becomes what that says; one that names a known class, however it is written, becomes that.
   */
  constructor(
    classes: readonly StagedClass[],
    chosen: LabelRequest['classes'],
    known: readonly Label[] | undefined,
  ) {
    const names = known && displayNames(known);
    const find = known && classFinder(known);
    for (const { id, name, number, amount } of classes) {
      const wanted = chosen !== undefined && Object.hasOwn(chosen, name) ? chosen[name] : name;
      const becomes = wanted === undefined || wanted === null ? null : shown(wanted, names, find);
      const isKnown = names === undefined || becomes === null || becomes === '' || names.includes(becomes);
      this.#byId.set(id, { name, becomes, isKnown, stated: amount, labels: 0, boxes: 0 });
      if (known === undefined && becomes !== null && becomes !== '')
        this.#addLabel(becomes, number, wanted === name);
    }
    const named = new Set(classes.map(({ name }) => name));
    this.unknown = Object.keys(chosen ?? {}).filter((name) => !named.has(name));
    // A data set numbers all of its classes, or it numbers none.
    if (this.labels.some(({ id }) => id === undefined)) for (const label of this.labels) delete label.id;
  }

  #addLabel(name: string, number: number | null, isOwn: boolean): void {
    if (this.#indices.has(name)) return;
    this.#indices.set(name, this.labels.length);
    const isNumbered = isOwn && number !== null && number >= 0;
    this.labels.push({ name, ...(isNumbered && { id: number }) });
  }

  /** The class that a label or box refers to; undefined where the file names no such class. */
  get(id: string): LabelClass | undefined {
    return this.#byId.get(id);
  }

  /** The index of a class among `labels`, by what it becomes. */
  indexOf(name: string): number {
    return this.#indices.get(name) ?? 0;
  }

  /** The classes that something in the file is of, most frequent first. Several ids of one name are one class. */
  described(): LabelClass[] {
    const byName = new Map<string, LabelClass>();
    for (const one of this.#byId.values()) {
      const known = byName.get(one.name);
      if (known === undefined) byName.set(one.name, { ...one });
      else {
        known.stated += one.stated;
        known.labels += one.labels;
        known.boxes += one.boxes;
      }
    }
    return [...byName.values()]
      .filter(({ stated }) => stated > 0)
      .sort((one, other) => other.stated - one.stated);
  }
}

function shown(
  name: string,
  names: readonly string[] | undefined,
  find: ((text: string) => readonly number[]) | undefined,
): string {
  if (names === undefined || find === undefined || names.includes(name)) return name;
  const [index, ...others] = find(name);
  return index === undefined || others.length > 0 ? name : (names[index] ?? name);
}
