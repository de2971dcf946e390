import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { SourceFault } from '../read/fault.js';
import { commandNamed, options } from './commands.js';
import type { CommandValues } from './commands.js';
import { helpText } from './help.js';
import { coloured, exitCodes } from './terminal.js';
import type { ExitCode, Terminal } from './terminal.js';

/**
 * Runs the command `linnet`.
 *
 * @param args the arguments behind the name of the command: `['check', '--json']`
 * @returns the exit code: 0 if all is fine, 1 for a difference, 2 for wrong use or a source that cannot be read
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let isJson = args.includes('--json');
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
    isJson = values.json === true;
    const [name, ...files] = positionals;
    if (values.help || name === undefined) {
      terminal.out(helpText(name));
      return values.help ? exitCodes.fine : exitCodes.wrongUse;
    }
    const command = commandNamed(name);
    if (!command) throw new Error(`linnet has no command "${name}". Run linnet --help.`);
    for (const option of Object.keys(values) as (keyof CommandValues)[])
      if (!command.options.includes(option) && option !== 'json')
        throw new Error(`linnet ${name} has no option --${option}. Run linnet ${name} --help.`);
    return await command.run({ files, values, terminal });
  } catch (error) {
    reportFault(error as Error, isJson, terminal);
    return exitCodes.wrongUse;
  }
}

function reportFault(error: Error, isJson: boolean, terminal: Terminal): void {
  const { message } = error;
  const place = error instanceof SourceFault ? error : undefined;
  const file = place && relative(terminal.cwd, place.file);
  if (isJson) {
    const at = place && { file, ...(place.line > 0 && { line: place.line, column: place.column }) };
    terminal.out(`${JSON.stringify({ error: { message, ...at } }, null, 2)}\n`);
    return;
  }
  const at = place ? `${file}${place.line > 0 ? `:${place.line}:${place.column}` : ''} - ` : '';
  terminal.err(`${at}${coloured(terminal, 'red', 'error:')} ${message}\n`);
}
