import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../docs/guide.js';

// The public names of packages of iTwin.js by their type declarations, and Linnet's.

/** A name that a package exports, and the members of what it names. */
export interface PublicName {
  readonly name: string;
  readonly members: readonly string[];
}

/** Files of packages in which all names count; names that speak of RPC and IPC count in every file. */
const files: Readonly<Record<string, RegExp>> = {
  'core-common': /^(rpc\/|ipc\/|Rpc|IpcAppProps|NativeAppProps|IModelError|SessionProps)/,
  'core-frontend': /^(IpcApp|NativeApp|LocalhostIpcApp)\./,
  'core-backend': /^(IpcHost|NativeHost|LocalhostIpcHost|RpcBackend|rpc\/)/,
  'core-electron': /./,
};
const telling = /Rpc|Ipc|NotificationHandler|NativeApp|NativeHost|Electron/;

/**
 * The names that a package declares for applications: not those marked as internal, private or protected.
 *
 * @param besides names that count although they are marked as internal
 */
export function publicNames(
  name: string,
  packageFolder: string,
  besides: ReadonlySet<string> = new Set(),
): PublicName[] {
  const folder = join(packageFolder, 'lib/cjs');
  const declared = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.d.ts'));
  return declared.flatMap((file) => {
    const source = ts.createSourceFile(
      file,
      readFileSync(join(folder, file), 'utf8'),
      ts.ScriptTarget.ESNext,
      true,
    );
    return source.statements.flatMap((statement): PublicName[] => {
      const named = (statement as { name?: ts.Node }).name?.getText();
      const counts = named !== undefined && (files[name]!.test(file) || telling.test(named));
      if (!counts || !isExported(statement)) return [];
      if (isInternal(statement) && !besides.has(named)) return [];
      return [{ name: named, members: membersOf(statement) }];
    });
  });
}

function membersOf(statement: ts.Statement): string[] {
  const { members = [] } = statement as { members?: readonly ts.Declaration[] };
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  const names = members
    .filter((member) => !isInternal(member) && !(ts.getCombinedModifierFlags(member) & hidden))
    .map((member) => (member as { name?: ts.Node }).name?.getText());
  return [...new Set(names)].filter((each) => each !== undefined && /^\w+$/.test(each)) as string[];
}

function isInternal(node: ts.Node): boolean {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
}

function isExported(statement: ts.Statement): boolean {
  const { modifiers } = statement as { modifiers?: readonly ts.ModifierLike[] };
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

/** By name: the members of what Linnet exports under it, static ones and inherited ones included. */
export function ownNames(entries: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config as object;
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const program = ts.createProgram(
    entries.map((file) => join(root, file)),
    { ...options, noEmit: true },
  );
  const checker = program.getTypeChecker();
  const found = new Map<string, Set<string>>();
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, entry))!);
    for (const exported of checker.getExportsOfModule(module!)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const members = found.get(exported.name) ?? new Set();
      found.set(exported.name, members);
      const declared = checker.getDeclaredTypeOfSymbol(symbol);
      for (const { name } of checker.getPropertiesOfType(declared)) members.add(name);
      const { valueDeclaration } = symbol;
      if (!valueDeclaration) continue;
      const value = checker.getTypeOfSymbolAtLocation(symbol, valueDeclaration);
      for (const { name } of checker.getPropertiesOfType(value)) members.add(name);
    }
  }
  return found;
}
