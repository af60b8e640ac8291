import { AppError } from '../../../shared/errors.ts';

/** A class with too few pictures to learn from and to test with. `TrainingRequest.leaveOutPoor` does without it. */
export class PoorClass extends AppError {
  readonly className: string;

  constructor(className: string, message: string) {
    super('TOO_FEW_PICTURES', message, 'Add pictures of it, or leave it out (--leave-out-poor).');
    this.className = className;
  }
}
