import { allOf } from './describe.ts';
import type { Described } from './describe.ts';

/** What a shell offers while a command is typed: commands, their options, and values where they are a few; else files. */
export const completions = { bash, zsh, fish } as const;

const name = ({ words }: Described) => words.join(' ');
const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const optionsOf = ({ options }: Described) => options.flatMap(({ names }) => names);

/** Lines of a `case`: from the words so far to the command that they name. */
function commandCases(root: Described): string {
  const commands = allOf(root).filter(({ words }) => words.length > 0);
  return commands
    .map((command) => {
      const before = command.words.slice(0, -1).join(' ');
      return `      ${quote(`${before}/${command.words.at(-1) ?? ''}`)}) command=${quote(name(command))} ;;`;
    })
    .join('\n');
}

/** Lines of a `case`: for an option that has a few values, what is done with them. */
function valueCases(root: Described, act: (values: string[]) => string): string {
  return allOf(root)
    .flatMap((command) =>
      command.options
        .filter(({ choices }) => choices.length > 0)
        .map(({ names, choices }) => {
          const patterns = names.map((option) => quote(`${name(command)}/${option}`)).join('|');
          return `    ${patterns}) ${act(choices)} ;;`;
        }),
    )
    .join('\n');
}

function bash(root: Described): string {
  const words = allOf(root).map(
    (command) =>
      `    ${quote(name(command))}) commands=${quote(command.commands.map(({ words }) => words.at(-1)).join(' '))}; ` +
      `options=${quote(optionsOf(command).join(' '))} ;;`,
  );
  return `# What bash offers behind \`winnow\`; made from the command line's own definition.
_winnow() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command='' commands='' options='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command/\${COMP_WORDS[i]}" in
${commandCases(root)}
    esac
  done
  case "$command/$before" in
${valueCases(root, (values) => `mapfile -t COMPREPLY < <(compgen -W ${quote(values.join(' '))} -- "$word"); return`)}
  esac
  case "$command" in
${words.join('\n')}
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
  fi
}
complete -o default -F _winnow winnow
`;
}

function zsh(root: Described): string {
  const entry = (text: string, description: string) =>
    quote(`${text.replaceAll(':', String.raw`\:`)}:${description}`);
  const lists = allOf(root).map((command) => {
    const commands = command.commands.map((one) => entry(one.words.at(-1) ?? '', one.description));
    const options = command.options.flatMap(({ names, description }) =>
      names.map((option) => entry(option, description)),
    );
    return `    ${quote(name(command))})\n      commands=(${commands.join(' ')})\n      options=(${options.join(' ')}) ;;`;
  });
  return `#compdef winnow
# What zsh offers behind \`winnow\`; made from the command line's own definition.
_winnow() {
  local command='' i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$command/\${words[i]}" in
${commandCases(root)}
    esac
  done
  case "$command/\${words[CURRENT - 1]}" in
${valueCases(root, (values) => `compadd -- ${values.map(quote).join(' ')}; return`)}
  esac
  case "$command" in
${lists.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe option options
  else
    (( \${#commands} )) && _describe command commands
    _files
  fi
}
compdef _winnow winnow
`;
}

function fish(root: Described): string {
  const lines = allOf(root).flatMap((command) => {
    const seen = command.words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const below = command.commands.map(({ words }) => words.at(-1) ?? '');
    const none = below.length > 0 ? [`not __fish_seen_subcommand_from ${below.join(' ')}`] : [];
    const condition = quote([...seen, ...none].join('; and '));
    const start = `complete -c winnow -n ${condition}`;
    const commands = command.commands.map(
      (one) => `${start} -a ${one.words.at(-1) ?? ''} -d ${quote(one.description)}`,
    );
    const options = command.options.map(({ names, value, description, choices }) => {
      const flags = names.map((one) => (one.startsWith('--') ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`));
      const values =
        choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : value.startsWith('<') ? ' -r' : '';
      return `${start} ${flags.join(' ')}${values} -d ${quote(description)}`;
    });
    return [...commands, ...options];
  });
  return `# What fish offers behind \`winnow\`; made from the command line's own definition.\n${lines.join('\n')}\n`;
}
