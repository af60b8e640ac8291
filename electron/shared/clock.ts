/** Milliseconds since some fixed moment. */
export type Clock = () => number;
