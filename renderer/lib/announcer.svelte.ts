const SHOWN = 8000; // milliseconds that the status line shows what was said

class Announcer {
  /** For screen readers. */
  text: string = $state('');
  /** Whether it was said just now. */
  isRecent = $state(false);
  private timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    // The same words twice are said twice: a trailing space makes them another text.
    this.text = this.text === text ? `${text} ` : text;
    this.isRecent = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.isRecent = false), SHOWN);
  }
}

export const announcer = new Announcer();

/** Says something to screen readers and in the status line, without moving the focus. */
export const announce = (text: string) => announcer.say(text);
