const SHOWN = 8000; // milliseconds that the status line shows what was said
const READING_TIME = 1000; // milliseconds

class Announcer {
  /** For screen readers. */
  text: string = $state('');
  /** Whether it was said just now. */
  isRecent = $state(false);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saidAt = 0; // performance.now()

  constructor() {
    for (const action of ['keydown', 'pointerdown']) window.addEventListener(action, () => this.hear(), true);
  }

  say(text: string): void {
    // The same words twice are said twice: a trailing space makes them another text.
    this.text = this.text === text ? `${text} ` : text;
    this.isRecent = true;
    this.saidAt = performance.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.isRecent = false), SHOWN);
  }

  /** Takes what was said out of the status line. */
  forget(): void {
    clearTimeout(this.timer);
    this.isRecent = false;
  }

  /** The person does something else: what was said before is over, if there was time to read it. */
  private hear(): void {
    if (performance.now() - this.saidAt > READING_TIME) this.forget();
  }
}

export const announcer = new Announcer();

/** Says something to screen readers and in the status line, without moving the focus. */
export const announce = (text: string) => announcer.say(text);
