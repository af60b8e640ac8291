import { attempt } from './notices.svelte.ts';

export interface Question {
  title: string;
  /** What will be lost. */
  text: string;
  /** Text of the button that goes on. */
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

/**
 * Asks before something that cannot be undone; resolves to whether the person wants it. When `check` rejects, its error
 * is shown in place of the question.
 */
export async function confirm(question: Question, check?: () => Promise<unknown>): Promise<boolean> {
  const isPossible = await attempt(async () => {
    await check?.();
    return true;
  });
  return isPossible === true && confirmation.ask(question);
}
