import type { Manifest } from '../../shared/model-package.ts';
import { displayNames } from '../models/class-names.ts';

export interface Category {
  id: number; // in the model's data set where its labels say it, else the class's index + 1
  name: string;
  index: number; // of the class; what people named goes on behind the model's classes
}

/** The classes of a model and, behind them, the labels that only people gave, in the order in which they are asked for. */
export class Categories {
  readonly #byName = new Map<string, Category>();
  #lastId = 0;

  constructor({ labels }: Pick<Manifest, 'labels'>) {
    const ids = labels.map(({ id }) => id);
    const numbered = ids.every((id) => id !== undefined) && new Set(ids).size === ids.length;
    for (const [index, name] of displayNames(labels).entries()) {
      this.#add(name, numbered ? (ids[index] ?? index + 1) : index + 1);
    }
  }

  of(label: string): Category {
    return this.#byName.get(label) ?? this.#add(label, this.#lastId + 1);
  }

  all(): Category[] {
    return [...this.#byName.values()];
  }

  #add(name: string, id: number): Category {
    const category = { id, name, index: this.#byName.size };
    this.#byName.set(name, category);
    this.#lastId = Math.max(this.#lastId, id);
    return category;
  }
}
