import { exitCodes } from '../../../electron/cli/exit.ts';
import { allOf } from './describe.ts';
import type { Described, DescribedOption } from './describe.ts';

/** The manual page of `winnow` in section 1, in the language of man(7). */
export function manual(root: Described, version: string): string {
  const commands = allOf(root).filter(({ commands: below, words }) => words.length > 0 && below.length === 0);
  return `.\\" Made from the command line's own definition.
.TH WINNOW 1 "" "Winnow ${roff(version)}" "User Commands"
.SH NAME
winnow \\- label folders of images offline
.SH SYNOPSIS
.B winnow
.I command
[\\fIoptions\\fR]
.SH DESCRIPTION
${roff(root.description)}.
Nothing leaves the computer.
Results are kept in a library and shown by \\fBwinnow serve\\fR in a browser, or by the window of the same name.
.SH COMMANDS
${commands.map(section).join('\n')}
.SH EXIT STATUS
${exitCodes()
  .map(([code, meaning]) => `.TP\n${code}\n${meaning}`)
  .join('\n')}
.SH ENVIRONMENT
.TP
.B WINNOW_DATA
folder of the library, the models and the settings
.TP
.B WINNOW_DEBUG
when set, errors that are mistakes in Winnow are shown with their place
`;
}

function section({ words, usage, description, options }: Described): string {
  return [
    `.SS "winnow ${roff(words.join(' '))} ${roff(usage)}"`,
    roff(sentence(description)),
    ...options.map(item),
  ].join('\n');
}

function item({ names, value, description, choices }: DescribedOption): string {
  const flags = names.map((name) => `\\fB${roff(name)}\\fR`).join(', ');
  const values = choices.length > 0 ? ` (${choices.join(', ')})` : '';
  return `.TP\n${flags}${value === '' ? '' : ` ${roff(value)}`}\n${roff(`${description}${values}`)}`;
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Text as it is, whatever it holds that troff would take for a request. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll('\n', ' ')
    .replace(/^(?=[.'])/, '\\&');
}
