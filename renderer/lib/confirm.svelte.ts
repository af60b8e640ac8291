export interface Question {
  title: string;
  /** What will be lost. */
  text: string;
  /** What the button that goes on does. */
  action: string;
}

class Confirmation {
  question: Question | undefined = $state.raw();
  private answer: (isYes: boolean) => void = () => undefined;

  ask(question: Question): Promise<boolean> {
    this.answer(false);
    this.question = question;
    return new Promise((resolve) => (this.answer = resolve));
  }

  close(isYes: boolean): void {
    this.question = undefined;
    this.answer(isYes);
  }
}

export const confirmation = new Confirmation();

/** Asks before something that cannot be undone; whether the person wants it. */
export const confirm = (question: Question) => confirmation.ask(question);
