import { commandNamed, commands } from './commands.js';
import type { CommandValues } from './commands.js';

const optionTexts: Record<keyof CommandValues, string> = {
  project: '-p, --project FILE   the tsconfig.json whose options are used; default: the nearest one',
  lock: '    --lock FILE      the lock; default: linnet.lock.json',
  contract: '    --contract FILE  the contract; default: the contract of the source files',
  title: '    --title TEXT     the title of the document; default: linnet',
  'api-version': '    --api-version V  the version of the document; default: v1.0',
  path: '    --path PATH      the prefix of request paths, or the path of the WebSocket',
  out: '-o, --out FILE       the file to write; default: the standard output',
  json: '    --json           write results and errors as JSON',
  help: '-h, --help           show this text',
};

/** The help of a command, or of all commands. */
export function helpText(name?: string): string {
  const command = name === undefined ? undefined : commandNamed(name);
  if (!command)
    return `${[
      'Usage: linnet COMMAND [FILES] [OPTIONS]',
      '',
      'Commands:',
      ...Object.entries(commands).map(([key, { summary }]) => `  ${key.padEnd(10)}${summary}`),
      '',
      'FILES are source files whose exported definitions are read; without FILES those of the project.',
      'Exit codes: 0 fine, 1 difference, 2 wrong use or a source that cannot be read.',
      'linnet COMMAND --help shows the options of a command.',
    ].join('\n')}\n`;
  const names: readonly (keyof CommandValues)[] = [...command.options, 'json', 'help'];
  return `${[
    `Usage: linnet ${name} [FILES] [OPTIONS]`,
    '',
    command.summary,
    '',
    'Options:',
    ...names.map((option) => `  ${optionTexts[option]}`),
  ].join('\n')}\n`;
}
