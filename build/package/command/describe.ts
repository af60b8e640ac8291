import type { Argument, Command, Option } from 'commander';
import { commandLine } from '../../../electron/cli/program.ts';

/** A command of the command line, with what may stand behind it. */
export interface Described {
  words: string[]; // behind `winnow`: ['models', 'import']; empty for `winnow` itself
  description: string;
  usage: string; // its arguments, such as `[options] <folder...>`
  options: DescribedOption[];
  commands: Described[];
}

export interface DescribedOption {
  names: string[]; // `-h`, `--help`
  value: string; // `<n>`; '' for a switch
  description: string;
  choices: string[]; // of the value; empty where it is free
}

/** The command line as its own definition says it; nothing is stated twice. */
export function describeCommandLine(): Described {
  return describe(
    commandLine(() => undefined),
    [],
  );
}

/** A command and all below it, each before those below it. */
export function allOf(command: Described): Described[] {
  return [command, ...command.commands.flatMap(allOf)];
}

function describe(command: Command, words: string[]): Described {
  const help = command.createHelp();
  return {
    words,
    description: command.description(),
    usage: [...command.registeredArguments.map(nameOf), '[options]'].reverse().join(' '),
    options: help.visibleOptions(command).map(describeOption),
    commands: command.commands.map((one) => describe(one, [...words, one.name()])),
  };
}

function nameOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function describeOption(option: Option): DescribedOption {
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    value: /[<[].*$/.exec(option.flags)?.[0] ?? '',
    description: option.description,
    choices: option.argChoices ?? [],
  };
}
