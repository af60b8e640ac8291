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

interface Candidate extends ImagePath {
  parts: string[]; // folded, the file name first
}

/** How well a path fits an image. */
interface Fit {
  candidate: Candidate;
  shared: number; // parts at the end of both paths that are equal
  whole: boolean; // all parts of one of the two
  exact: boolean; // all parts of both
}

/**
 * Finds the image that each entry is about: the one with the longest common tail of both paths, in any case and however accents
 * are written; Windows' backslashes and drives are paths as well. An entry of which only the file name fits has its image when
 * no other image has that name, and its folders do not say otherwise. Of several entries that fit one image, the best has it, and the first of equal ones.
 */
export function matchImages(staging: Staging, images: Iterable<ImagePath>): MatchedImages {
  const byName = new Map<string, Candidate[]>(); // by the last part; stems too
  for (const image of images) {
    const parts = partsOf(image.relativePath);
    const candidate = { ...image, parts };
    const [name = ''] = parts;
    for (const key of new Set([name, `${withoutExtension(name)}/`])) {
      const others = byName.get(key);
      if (others === undefined) byName.set(key, [candidate]);
      else others.push(candidate);
    }
  }
  const best = new Map<number, { entryId: number; name: string; origin: string; fit: Fit }>();
  const unmatched = { count: 0, names: [] as string[] };
  const miss = (name: string) => {
    if (++unmatched.count <= NAMED) unmatched.names.push(name);
  };
  for (const { id: entryId, name, isStem, origin } of staging.all()) {
    const fits = fitsOf(partsOf(name), isStem === 1, byName).filter((fit) => isLikely(fit, name));
    const [fit, second] = fits;
    if (fit === undefined) {
      miss(name);
    } else if (second !== undefined && second.shared === fit.shared) {
      staging.skip('severalImages', name);
    } else {
      const known = best.get(fit.candidate.id);
      if (known !== undefined) staging.skip('sameImage', isBetter(fit, known.fit) ? known.name : name);
      if (known === undefined || isBetter(fit, known.fit))
        best.set(fit.candidate.id, { entryId, name, origin, fit });
    }
  }
  staging.setImages([...best].map(([imageId, { entryId }]) => [entryId, imageId] as const));
  return { matches: describeMatches(best.values()), unmatched, images: best.size };
}

/** Those that fit best, best first; at most two, since more make no difference. */
function fitsOf(parts: string[], isStem: boolean, byName: ReadonlyMap<string, Candidate[]>): Fit[] {
  const [last = '', ...folders] = parts;
  let fits: Fit[] = [];
  const candidates = (isStem ? byName.get(`${last}/`) : undefined) ?? byName.get(last) ?? [];
  for (const candidate of candidates) {
    let shared = 1;
    while (shared <= folders.length && shared < candidate.parts.length) {
      if (candidate.parts[shared] !== folders[shared - 1]) break;
      shared++;
    }
    const whole = shared === Math.min(parts.length, candidate.parts.length);
    const exact = whole && candidate.parts.length === parts.length;
    const fit = { candidate, shared, whole, exact };
    if (fits[0] === undefined || shared > fits[0].shared) fits = [fit, ...fits].slice(0, 2);
    else if (fits[1] === undefined || shared > fits[1].shared) fits = [fits[0], fit];
  }
  const exact = fits.find((fit) => fit.exact);
  return exact === undefined ? fits : [exact]; // whose whole path that is, whoever else shares as much with the entry
}

/** Not the same file name in another folder: only where folders are those of another computer, or one path has none. */
function isLikely({ shared, whole }: Fit, name: string): boolean {
  return whole || shared > 1 || ABSOLUTE.test(name);
}

function isBetter(fit: Fit, other: Fit): boolean {
  return fit.shared > other.shared || (fit.shared === other.shared && fit.exact && !other.exact);
}

const ABSOLUTE = /^([a-z]:|[\\/])/i;

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
    const way = wayOf(fit);
    const known = matches.get(way);
    if (known !== undefined) known.entries++;
    else matches.set(way, { way, entries: 1, example: { theirs: name, ours: fit.candidate.relativePath } });
  }
  return (['path', 'tail', 'name'] as const).flatMap((way) => matches.get(way) ?? []);
}

function wayOf({ shared, whole, exact }: Fit): LabelMatch['way'] {
  if (exact) return 'path';
  return whole || shared > 1 ? 'tail' : 'name';
}
