import { dirname, resolve } from 'node:path';
import ts from 'typescript';
import { SourceFault } from './fault.js';

const fileExists = (file: string) => ts.sys.fileExists(file);

/** Source files to read. */
export interface Sources {
  readonly program: ts.Program;
  /** The files whose exports are read. */
  readonly files: readonly ts.SourceFile[];
}

/**
 * Opens source files with the options of a project.
 *
 * @param folder the folder that relative paths are relative to
 * @param files the files whose exports are read; none for all files of the project
 * @param project the path of a `tsconfig.json`; default: the nearest one above `folder`
 * @throws SourceFault if a file or a project cannot be read, or a file has a syntax error
 */
export function openSources(folder: string, files: readonly string[], project?: string): Sources {
  const config = project ? resolve(folder, project) : ts.findConfigFile(folder, fileExists);
  if (project && !fileExists(config!)) throw new SourceFault('The project does not exist.', config!);
  const { options, fileNames } = config ? readProject(config) : { options: defaults, fileNames: [] };
  const roots = files.length > 0 ? files.map((file) => resolve(folder, file)) : fileNames;
  if (roots.length === 0)
    throw new SourceFault('No source files: name them, or a project that has files.', config ?? folder);
  for (const file of roots) if (!fileExists(file)) throw new SourceFault('The file does not exist.', file);
  // Only types are read. Without strict null checks they would not show what can be absent.
  const program = ts.createProgram(roots, {
    ...options,
    noEmit: true,
    composite: false,
    incremental: false,
    strictNullChecks: true,
  });
  const sources = roots.map((file) => program.getSourceFile(file)!);
  for (const source of sources)
    for (const { start, messageText } of program.getSyntacticDiagnostics(source)) {
      const { line, character } = source.getLineAndCharacterOfPosition(start);
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      throw new SourceFault(text, source.fileName, line + 1, character + 1);
    }
  return { program, files: sources.filter((source) => files.length > 0 || !source.isDeclarationFile) };
}

const defaults: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  strict: true,
  skipLibCheck: true,
};

function readProject(file: string): ts.ParsedCommandLine {
  const { config, error } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as {
    config: unknown;
    error?: ts.Diagnostic;
  };
  if (error) throw new SourceFault(ts.flattenDiagnosticMessageText(error.messageText, ' '), file);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, dirname(file), undefined, file);
  // The list of files may be empty, because files can be named.
  const fault = parsed.errors.find(({ code }) => code !== 18002 && code !== 18003);
  if (fault) throw new SourceFault(ts.flattenDiagnosticMessageText(fault.messageText, ' '), file);
  return parsed;
}
