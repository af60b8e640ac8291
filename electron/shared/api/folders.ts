import { z } from 'zod';
import { folderId, onlyCheck, path } from './arguments.ts';

/** Calls about the folders of the library. */
export const folderArguments = {
  listFolders: z.strictObject({}),
  addFolder: z.strictObject({ path }),
  rescanFolder: z.strictObject({ folderId }),
  removeFolder: z.strictObject({ folderId, onlyCheck }),
  browse: z.strictObject({ path: path.optional() }),
} as const;

export interface FolderResults {
  /** Folders of the library in order of their paths. */
  listFolders: FolderListing[];
  /**
   * Takes a folder into the library and scans it; a folder that is there already is scanned again. Throws BAD_ARGUMENT
   * for a folder inside one that is there: its images are in the library already.
   */
  addFolder: FolderScan;
  rescanFolder: FolderScan;
  /**
   * Forgets a folder with its images, results and reviews, and the runs that were on nothing else; the files stay as
   * they are. Throws BAD_ARGUMENT while a run is at work on it, LIBRARY while another Winnow is at work in the library.
   */
  removeFolder: undefined;
  /** What lies in a folder of this computer, for choosing one where there is no file dialog; the home folder first. */
  browse: FolderContents;
}

export interface FolderListing {
  id: number;
  path: string; // absolute
  name: string; // last part of the path
  images: number; // at the last scan
  labelled: number; // images that have a label in some run: a person's, else the model's
  blank: number; // of the others: images that some run predicted without finding anything
  verified: number; // images that a person has verified
  missing: boolean; // the folder is not there now: moved, or on a drive that is unplugged
}

export interface FolderScan {
  folder: FolderListing;
  added: number;
  changed: number;
  vanished: number;
  /** Parts that could not be read, in sentences. */
  notices: string[];
}

export interface FolderContents {
  path: string; // absolute
  parent: string | undefined;
  folders: { name: string; path: string }[]; // without hidden ones, in order
  images: number; // image files directly in it
}
