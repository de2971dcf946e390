import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { asyncApiOf, openApiOf } from '@linnet/common/contract';
import type { Contract, DocumentOptions, JsonObject } from '@linnet/common/contract';
import { compareContracts } from '../lock/contract.comparison.js';
import { lockText, parseContract } from '../lock/lock.file.js';
import { readContract } from '../read/contract.reader.js';
import { SourceFault } from '../read/fault.js';
import { openSources } from '../read/program.js';
import { verdictsJson, verdictsText } from './report.js';
import { coloured, exitCodes } from './terminal.js';
import type { ExitCode, Terminal } from './terminal.js';

/** The options of all commands, for `parseArgs`. */
export const options = {
  project: { type: 'string', short: 'p' },
  lock: { type: 'string' },
  contract: { type: 'string' },
  title: { type: 'string' },
  'api-version': { type: 'string' },
  path: { type: 'string' },
  out: { type: 'string', short: 'o' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** The values of the options. */
export type CommandValues = {
  [Name in keyof typeof options]?: (typeof options)[Name]['type'] extends 'string' ? string : boolean;
};

/** The input of a command. */
interface Invocation {
  /** The source files to read; none for those of the project. */
  readonly files: readonly string[];
  readonly values: CommandValues;
  readonly terminal: Terminal;
}

/** A command of `linnet`. */
export interface Command {
  readonly summary: string;
  /** The options that the command has beside `json`. */
  readonly options: readonly (keyof CommandValues)[];
  run(invocation: Invocation): ExitCode | Promise<ExitCode>;
}

const LOCK = 'linnet.lock.json';

export const commands = {
  contract: {
    summary: 'Write the contract of definitions: names, parameters, schemas, documentation.',
    options: ['project', 'out'],
    run(invocation) {
      const text = `${JSON.stringify(contractOf(invocation), null, 2)}\n`;
      return write(invocation, invocation.values.out, text);
    },
  },
  lock: {
    summary: `Write the shape of definitions to the lock, if their versions allow it.`,
    options: ['project', 'lock'],
    run(invocation) {
      const { values, terminal } = invocation;
      const file = resolve(terminal.cwd, values.lock ?? LOCK);
      const current = contractOf(invocation);
      const verdicts = existsSync(file) ? compareContracts(readJson(file), current) : [];
      if (verdicts.some(({ remedy }) => remedy)) {
        report(invocation, verdicts);
        return exitCodes.difference;
      }
      return write(invocation, values.lock ?? LOCK, lockText(current));
    },
  },
  check: {
    summary: 'Compare definitions with the lock: the changes, who breaks, and the version that they need.',
    options: ['project', 'lock'],
    run(invocation) {
      const { values, terminal } = invocation;
      const file = resolve(terminal.cwd, values.lock ?? LOCK);
      if (!existsSync(file)) throw new SourceFault('The lock does not exist: linnet lock writes it.', file);
      const verdicts = compareContracts(readJson(file), contractOf(invocation));
      report(invocation, verdicts);
      return verdicts.length > 0 ? exitCodes.difference : exitCodes.fine;
    },
  },
  openapi: documentCommand('Write an OpenAPI 3.1 document of interfaces.', openApiOf),
  asyncapi: documentCommand('Write an AsyncAPI 3 document of channels.', asyncApiOf),
} as const satisfies Record<string, Command>;

/** Finds a command by its name. */
export function commandNamed(name: string): Command | undefined {
  return Object.hasOwn(commands, name) ? commands[name as keyof typeof commands] : undefined;
}

function documentCommand(
  summary: string,
  documentOf: (contract: Contract, options: DocumentOptions) => JsonObject,
): Command {
  return {
    summary,
    options: ['project', 'contract', 'title', 'api-version', 'path', 'out'],
    run(invocation) {
      const { values, terminal } = invocation;
      const contract =
        values.contract === undefined
          ? contractOf(invocation)
          : readJson(resolve(terminal.cwd, values.contract));
      const { title = 'linnet', 'api-version': version = 'v1.0', path } = values;
      const document = documentOf(contract, { info: { title, version }, ...(path && { path }) });
      return write(invocation, values.out, `${JSON.stringify(document, null, 2)}\n`);
    },
  };
}

function contractOf({ files, values, terminal }: Invocation): Contract {
  const contract = readContract(openSources(terminal.cwd, files, values.project));
  if (Object.keys(contract.interfaces).length + Object.keys(contract.channels).length === 0)
    throw new Error('No definition is exported: neither a class with an interfaceName nor an ipcChannel.');
  return contract;
}

function readJson(file: string): Contract {
  if (!existsSync(file)) throw new SourceFault('The file does not exist.', file);
  try {
    return parseContract(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SourceFault((error as Error).message, file);
  }
}

function write({ terminal, values }: Invocation, file: string | undefined, text: string): ExitCode {
  if (file === undefined) terminal.out(text);
  else {
    writeFileSync(resolve(terminal.cwd, file), text);
    if (values.json) terminal.out(`${JSON.stringify({ written: file }, null, 2)}\n`);
    else terminal.err(`${coloured(terminal, 'green', 'written')} ${file}\n`);
  }
  return exitCodes.fine;
}

function report({ values, terminal }: Invocation, verdicts: ReturnType<typeof compareContracts>): void {
  terminal.out(values.json ? verdictsJson(verdicts) : verdictsText(verdicts, terminal));
}
