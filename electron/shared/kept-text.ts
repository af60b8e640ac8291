/** A text that one process keeps for the next. */
export interface KeptText {
  /** Undefined when there is none that can be read. */
  read(): string | undefined;
  /** Rejects when it cannot be kept. */
  write(text: string): Promise<void>;
}
