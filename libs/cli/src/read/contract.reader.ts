import { relative } from 'node:path';
import ts from 'typescript';
import type {
  Contract,
  ContractChannel,
  ContractInterface,
  ContractOperation,
  ContractPolicy,
} from '@linnet/common/contract';
import { documentationOf } from './documentation.js';
import { faultAt } from './fault.js';
import { OperationReader } from './operation.reader.js';
import type { Sources } from './program.js';
import {
  decoratedOptions,
  decoratedPolicy,
  literalOf,
  memberOf,
  plainName,
  policyOf,
  staticText,
} from './static.values.js';
import { SchemaWriter } from './type.schema.js';

/**
 * Reads the definitions that source files export, and writes their contract.
 *
 * @throws SourceFault if a definition cannot be read
 */
export function readContract(sources: Sources): Contract {
  return new ContractReader(sources).read();
}

/** The names of types that channels have. */
const channelTypes: ReadonlySet<string | undefined> = new Set(['IpcChannelDefinition']);

class ContractReader {
  readonly #checker: ts.TypeChecker;
  readonly #schemas: SchemaWriter;
  readonly #operations: OperationReader;
  readonly #interfaces = new Map<string, ContractInterface>();
  readonly #channels = new Map<string, ContractChannel>();
  /** By name, the declaration that was read. */
  readonly #read = new Map<string, ts.Declaration>();

  constructor(private readonly sources: Sources) {
    this.#checker = sources.program.getTypeChecker();
    this.#schemas = new SchemaWriter(sources.program);
    this.#operations = new OperationReader(this.#checker, this.#schemas);
  }

  read(): Contract {
    for (const file of this.sources.files) {
      const module = this.#checker.getSymbolAtLocation(file);
      for (const exported of module ? this.#checker.getExportsOfModule(module) : []) {
        const isAlias = exported.flags & ts.SymbolFlags.Alias;
        this.#readSymbol(isAlias ? this.#checker.getAliasedSymbol(exported) : exported);
      }
    }
    return {
      linnetContract: 1,
      interfaces: Object.fromEntries(this.#interfaces),
      channels: Object.fromEntries(this.#channels),
      $defs: this.#schemas.$defs,
    };
  }

  #readSymbol(symbol: ts.Symbol): void {
    const declaration = symbol.valueDeclaration;
    if (!declaration) return;
    if (ts.isClassDeclaration(declaration)) this.#readClass(symbol, declaration);
    else if (ts.isVariableDeclaration(declaration)) this.#readVariable(symbol, declaration);
  }

  /** Whether a definition is new. @throws SourceFault if another one has its name */
  #isNew(name: string, declaration: ts.Declaration): boolean {
    const known = this.#read.get(name);
    this.#read.set(name, declaration);
    if (known && known !== declaration) {
      const place = relative(process.cwd(), known.getSourceFile().fileName);
      throw faultAt(
        declaration,
        `"${name}" is defined twice: here, and in ${place}. Name the files to read.`,
      );
    }
    return !known;
  }

  #readClass(symbol: ts.Symbol, declaration: ts.ClassDeclaration): void {
    // A class that only inherits the name is an implementation.
    const named = symbol.exports?.get('interfaceName' as ts.__String);
    if (!named) return;
    const name = staticText(named, symbol.name, this.#checker);
    if (name === undefined)
      throw faultAt(named.valueDeclaration ?? declaration, 'The value of interfaceName is to be a literal.');
    if (!this.#isNew(name, declaration)) return;
    const version = this.#static(symbol, 'interfaceVersion');
    const text = version && staticText(version.property, version.owner.name, this.#checker);
    if (text === undefined)
      throw faultAt(
        version?.property.valueDeclaration ?? declaration,
        `The interfaceVersion of ${symbol.name} cannot be read: write it as a literal.`,
      );
    const description = documentationOf(symbol, this.#checker);
    this.#interfaces.set(name, {
      version: text,
      ...(description && { description }),
      operations: this.#classOperations(symbol, declaration),
    });
  }

  #classOperations(symbol: ts.Symbol, declaration: ts.ClassDeclaration): Record<string, ContractOperation> {
    const stated = this.#static(symbol, 'operations')?.property.valueDeclaration;
    const options = literalOf(stated && ts.isPropertyDeclaration(stated) ? stated.initializer : undefined);
    const members = this.#checker.getPropertiesOfType(this.#checker.getDeclaredTypeOfSymbol(symbol));
    const operations = members.flatMap((member) => {
      const [place = declaration] = member.declarations ?? [];
      const owner = ts.isClassLike(place.parent)
        ? this.#checker.getSymbolAtLocation(place.parent.name!)
        : undefined;
      // The base class that has `forward` is not a part of the definition.
      if (!owner || owner.members?.has('forward' as ts.__String)) return [];
      if (ts.getCombinedModifierFlags(place) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected))
        return [];
      return this.#operation(member, memberOf(options, member.name), place);
    });
    return Object.fromEntries(operations);
  }

  #operation(method: ts.Symbol, stated: ts.Node | undefined, place?: ts.Node): [string, ContractOperation][] {
    const options = [literalOf(stated) ?? [], place ? decoratedOptions(place) : []].flat();
    const read = this.#operations.operation(method, options);
    if (!read) return [];
    const policies = options.map((each) => policyOf(each, this.#checker));
    const policy = Object.assign({}, ...policies, place && decoratedPolicy(place)) as ContractPolicy;
    return [[method.name, { ...read, ...(Object.keys(policy).length > 0 && { policy }) }]];
  }

  /** A static member of a class or of its base classes, and the class that has it. */
  #static(symbol: ts.Symbol, name: string): { property: ts.Symbol; owner: ts.Symbol } | undefined {
    const property = symbol.exports?.get(name as ts.__String);
    if (property) return { property, owner: symbol };
    const type = this.#checker.getDeclaredTypeOfSymbol(symbol);
    const [base] = type.isClassOrInterface() ? this.#checker.getBaseTypes(type) : [];
    return base?.symbol && this.#static(base.symbol, name);
  }

  #readVariable(symbol: ts.Symbol, declaration: ts.VariableDeclaration): void {
    const type = this.#checker.getTypeOfSymbolAtLocation(symbol, declaration);
    const call = declaration.initializer;
    if (!channelTypes.has(type.symbol?.name) || !call || !ts.isCallExpression(call)) return;
    const [first, second] = call.arguments;
    const value = first && this.#checker.getTypeAtLocation(first);
    if (!value?.isStringLiteral()) throw faultAt(first ?? call, 'The name of a channel is to be a literal.');
    if (!this.#isNew(value.value, declaration)) return;
    const [functions, notifications] = this.#checker.getTypeArguments(type as ts.TypeReference);
    const stated = memberOf(literalOf(second), 'methods');
    const only = stated && new Set(namesOf(stated));
    const methods = this.#checker
      .getPropertiesOfType(functions!)
      .filter(({ name }) => only?.has(name) ?? true)
      .flatMap((method) => this.#operation(method, stated && memberOf(literalOf(stated), method.name)));
    const sent = this.#checker.getPropertiesOfType(notifications!).flatMap((method) => {
      const read = this.#operations.notification(method);
      return read ? [[method.name, read] as const] : [];
    });
    const description =
      documentationOf(symbol, this.#checker) ??
      (functions?.symbol && documentationOf(functions.symbol, this.#checker));
    this.#channels.set(value.value, {
      ...(description && { description }),
      methods: Object.fromEntries(methods),
      notifications: Object.fromEntries(sent),
    });
  }
}

/** The names in a list, or of the members of an object. */
function namesOf(node: ts.Node): string[] {
  const literal = literalOf(node);
  if (literal) return literal.properties.flatMap(({ name }) => plainName(name) ?? []);
  return ts.isArrayLiteralExpression(node)
    ? node.elements.flatMap((element) => (ts.isStringLiteralLike(element) ? element.text : []))
    : [];
}
