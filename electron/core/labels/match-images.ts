import { posix } from 'node:path';
import type { LabelMatch } from '../../shared/api/labels.ts';
import { foldName } from '../../shared/fold-name.ts';
import { withoutExtension } from '../export/output-names.ts';
import type { ImagePath } from '../store/tables/images.ts';
import type { Staging } from './staging.ts';

const NAMED = 20; // entries without an image that are told by their names

/** Which entries of a file are about which images of a folder. */
export interface MatchedImages {
  matches: LabelMatch[];
  unmatched: { count: number; names: string[] };
  images: number; // that have an entry
}

/** How well a path fits an image. */
interface Fit {
  image: ImagePath;
  shared: number; // parts at the end of both paths that are equal
  way: LabelMatch['way'];
}

/**
 * Finds the image that each entry is about: the one with the longest common tail of both paths, in any case and however accents
 * are written; Windows' backslashes and drives are paths as well. An entry of which only the file name fits has its image when
 * no other image has that name, and its folders do not say otherwise. Of several entries that fit one image, the best has it;
 * of equal ones the first that the other tool did not fail on.
 */
export function matchImages(staging: Staging, images: Iterable<ImagePath>): MatchedImages {
  const tails = new PathTails(images, staging.hasStems());
  const best = new Map<number, Found>();
  const unmatched = { count: 0, names: [] as string[] };
  for (const { id: entryId, name, isStem, failure } of staging.all()) {
    const fit = tails.find(name, isStem === 1);
    if (fit === 'several') {
      staging.skip('severalImages', name);
    } else if (fit === undefined) {
      if (++unmatched.count <= NAMED) unmatched.names.push(name);
    } else {
      const known = best.get(fit.image.id);
      const found = { entryId, name, fit, hasFailed: failure !== null };
      const isBest = known === undefined || isBetter(found, known);
      if (known !== undefined) staging.skip('sameImage', isBest ? known.name : name);
      if (isBest) best.set(fit.image.id, found);
    }
  }
  staging.setImages([...best].map(([imageId, { entryId }]) => [entryId, imageId] as const));
  return { matches: describeMatches(best.values()), unmatched, images: best.size };
}

/** The entry that an image has so far. */
interface Found {
  entryId: number;
  name: string;
  fit: Fit;
  hasFailed: boolean;
}

function isBetter(one: Found, other: Found): boolean {
  const [fit, known] = [one.fit, other.fit];
  if (fit.shared !== known.shared) return fit.shared > known.shared;
  if (fit.way !== known.way && [fit.way, known.way].includes('path')) return fit.way === 'path';
  return other.hasFailed && !one.hasFailed;
}

const SEVERAL = -1;
const ABSOLUTE = /^([a-z]:|[\\/])/i;
const STEM = '\0'; // behind a file name without its extension

/** The images of a folder by every tail of their paths. */
class PathTails {
  readonly #images: ImagePath[] = [];
  /** Tail, the file name first -> index of the image that has it, or SEVERAL. */
  readonly #tails = new Map<string, number>();
  /** Whole path -> the images that have it: more than one where names differ in nothing but their case. */
  readonly #wholes = new Map<string, number[]>();
  #deepest = 0;

  /** `withStems`: whether file names without their extensions are looked up, too. */
  constructor(images: Iterable<ImagePath>, withStems: boolean) {
    for (const image of images) {
      const index = this.#images.push(image) - 1;
      const [name = '', ...folders] = partsOf(image.relativePath);
      this.#deepest = Math.max(this.#deepest, folders.length + 1);
      this.#add([name, ...folders], index);
      if (withStems) this.#add([withoutExtension(name) + STEM, ...folders], index);
    }
  }

  #add(parts: readonly string[], index: number): void {
    let tail = '';
    for (const part of parts) {
      tail += `/${part}`;
      this.#tails.set(tail, this.#tails.has(tail) ? SEVERAL : index);
    }
    const others = this.#wholes.get(tail);
    if (others === undefined) this.#wholes.set(tail, [index]);
    else others.push(index);
  }

  /** The image with the longest common tail; `several` where more than one has it, undefined where none does. */
  find(name: string, isStem: boolean): Fit | 'several' | undefined {
    for (const spelling of spellings(name)) {
      const fit = this.#findSpelt(spelling, isStem);
      if (fit !== undefined) return fit;
    }
    return undefined;
  }

  #findSpelt(name: string, isStem: boolean): Fit | 'several' | undefined {
    const parts = partsOf(name);
    if (!isStem) return this.#find(parts, name);
    const [last = '', ...folders] = parts;
    return this.#find([last + STEM, ...folders], name) ?? this.#find(parts, name); // `a.jpg.png` is about `a.jpg`
  }

  #find(parts: readonly string[], name: string): Fit | 'several' | undefined {
    for (let shared = Math.min(parts.length, this.#deepest); shared > 0; shared--) {
      const tail = parts
        .slice(0, shared)
        .map((part) => `/${part}`)
        .join('');
      const found = this.#tails.get(tail);
      if (found === undefined) continue;
      const whole = this.#wholes.get(tail);
      const index = whole === undefined ? found : this.#choose(whole, name);
      if (index === SEVERAL) return 'several';
      const image = this.#images[index];
      if (image === undefined) return undefined;
      const isTheirs = shared === parts.length;
      if (whole !== undefined && isTheirs) return { image, shared, way: 'path' };
      if (whole !== undefined || isTheirs || shared > 1) return { image, shared, way: 'tail' };
      // The same file name in another folder: only where folders are those of another computer.
      return ABSOLUTE.test(name) ? { image, shared, way: 'name' } : undefined;
    }
    return undefined;
  }

  /** Of images whose whole paths are equal but for case, the one that is written so. */
  #choose(indices: readonly number[], name: string): number {
    const [only = SEVERAL, ...others] = indices;
    if (others.length === 0) return only;
    const plain = name.replaceAll('\\', '/');
    return indices.find((index) => plain.endsWith(this.#images[index]?.relativePath ?? '\0')) ?? SEVERAL;
  }
}

/** A name as it stands, and what it was before Label Studio put eight digits before it or asked its server for it. */
function spellings(name: string): string[] {
  const [, served = name] = /\/local-files\/\?d=(.+)$/.exec(name) ?? [];
  const plain = served.replace(/(^|[\\/])[0-9a-f]{8}-([^\\/]+)$/, '$1$2');
  return [...new Set([name, served, plain])];
}

/** The parts of a path, folded, the file name first; without a drive and the root. */
function partsOf(path: string): string[] {
  const plain = posix.normalize(path.replaceAll('\\', '/').replace(/^[a-z]:/i, ''));
  return foldName(plain)
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .reverse();
}

function describeMatches(found: Iterable<{ name: string; fit: Fit }>): LabelMatch[] {
  const matches = new Map<LabelMatch['way'], LabelMatch>();
  for (const { name, fit } of found) {
    const known = matches.get(fit.way);
    const example = { theirs: name, ours: fit.image.relativePath };
    if (known !== undefined) known.entries++;
    else matches.set(fit.way, { way: fit.way, entries: 1, example });
  }
  return (['path', 'tail', 'name'] as const).flatMap((way) => matches.get(way) ?? []);
}
