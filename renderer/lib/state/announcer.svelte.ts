const SHOWN = 8000; // milliseconds that an announcement is in the status line
const READING_TIME = 1000; // milliseconds that an announcement stays at least

class Announcer {
  /** The announcement, in a live region. */
  text: string = $state('');
  /** Whether the status line shows it. */
  isRecent = $state(false);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saidAt = 0; // performance.now()

  constructor() {
    for (const action of ['keydown', 'pointerdown']) window.addEventListener(action, () => this.hear(), true);
  }

  say(text: string): void {
    // Screen readers say a text again only when it changes: a trailing space makes it another one.
    this.text = this.text === text ? `${text} ` : text;
    this.isRecent = true;
    this.saidAt = performance.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.isRecent = false), SHOWN);
  }

  /** Removes the announcement from the status line. */
  forget(): void {
    clearTimeout(this.timer);
    this.isRecent = false;
  }

  /** On another action of the person: removes the announcement if there was time to read it. */
  private hear(): void {
    if (performance.now() - this.saidAt > READING_TIME) this.forget();
  }
}

export const announcer = new Announcer();

/** Announces a text to screen readers and in the status line, without moving the focus. */
export const announce = (text: string) => announcer.say(text);
