/** Columns of a run were read at different times, and it has other images now: all are to be read anew. */
export class RunChanged extends Error {}
