import { join } from 'node:path';
import ts from 'typescript';
import { placeOf, root } from './guide.js';
import type { Guide } from './guide.js';

/** The compiler's findings in the code of guides, with the repository's own options: `docs/rpc.md:12: …`. */
export function typeErrors(guides: readonly Guide[]): string[] {
  const paths = new Map(guides.map((guide) => [placeOf(guide, '.').replace(/\.$/, ''), guide.path]));
  const code = new Map(
    guides.flatMap((guide) => [...guide.files].map(([file, text]) => [placeOf(guide, file), text] as const)),
  );
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile, directoryExists } = host;
  host.fileExists = (file) => code.has(file) || fileExists(file);
  host.readFile = (file) => code.get(file) ?? readFile(file);
  host.directoryExists = (folder) =>
    [...code.keys()].some((file) => file.startsWith(folder)) || directoryExists!(folder);
  host.getSourceFile = (file, target, ...rest) =>
    code.has(file)
      ? ts.createSourceFile(file, code.get(file)!, target, true)
      : getSourceFile(file, target, ...rest);
  const files = [...code.keys()].filter((file) => file.endsWith('.ts'));
  const program = ts.createProgram(files, { ...options, noEmit: true }, host);
  return files.flatMap((file) => {
    const source = program.getSourceFile(file)!;
    const [, path] = [...paths].find(([folder]) => file.startsWith(folder))!;
    const faults = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return faults.map(({ start = 0, messageText }) => {
      const { line } = source.getLineAndCharacterOfPosition(start);
      return `${path}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}
