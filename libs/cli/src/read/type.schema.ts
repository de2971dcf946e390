import ts from 'typescript';
import { bytesSchema } from '@linnet/common/contract';
import type { JsonSchema } from '@linnet/common/contract';
import { documentationOf, isDeprecated } from './documentation.js';
import { faultAt } from './fault.js';
import { DefinitionNames } from './schema.names.js';

// The compiler's own API, and not `ts-json-schema-generator`: that package brings a compiler of another version, reads only
// exported types with names, and leaves no place for bytes and streams.

const primitives: readonly (readonly [ts.TypeFlags, JsonSchema])[] = [
  [ts.TypeFlags.StringLike, { type: 'string' }],
  [ts.TypeFlags.NumberLike, { type: 'number' }],
  [ts.TypeFlags.BooleanLike, { type: 'boolean' }],
  [ts.TypeFlags.Null, { type: 'null' }],
];
const bytes = new Set(['Uint8Array', 'Buffer', 'ArrayBuffer', 'Uint8ClampedArray']);
/** Objects of the language that have no JSON form. */
const uncarried = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'RegExp', 'Promise', 'Blob', 'FormData']);
/** Types inside each other. A type that contains itself by its name counts once. */
const MAX_DEPTH = 500;
const absent = ts.TypeFlags.Undefined | ts.TypeFlags.Void;

/** The members of a union, or the type itself. */
const membersOf = (type: ts.Type): readonly ts.Type[] => (type.isUnion() ? type.types : [type]);

/** Whether a type admits `undefined`. */
export function canBeAbsent(type: ts.Type): boolean {
  return membersOf(type).some(({ flags }) => flags & absent);
}

/** Writes types as JSON Schemas. Types with names are shared, so that types can be recursive. */
export class SchemaWriter {
  /** The schemas with names. */
  readonly $defs: Record<string, JsonSchema> = {};
  readonly #names = new DefinitionNames();
  /** How many types around the one that is being written contain it. */
  #depth = 0;

  /** @param program the program that the types are from */
  constructor(private readonly program: ts.Program) {}

  private get checker(): ts.TypeChecker {
    return this.program.getTypeChecker();
  }

  /**
   * The schema of a type. It does not say whether the value can be `undefined`.
   *
   * @param place the declaration that the type stands at, for faults
   * @param node the type as the source writes it: it keeps the name of an alias such as `Id64String`
   * @throws SourceFault if values of the type cannot be sent
   */
  schemaOf(type: ts.Type, place: ts.Node, node?: ts.TypeNode): JsonSchema {
    if (this.#depth > MAX_DEPTH)
      throw faultAt(place, 'The type has no end: it contains itself, each time with other type arguments.');
    this.#depth++;
    try {
      return this.#write(type, place, node);
    } finally {
      this.#depth--;
    }
  }

  #write(type: ts.Type, place: ts.Node, node: ts.TypeNode | undefined): JsonSchema {
    const alias = node && this.#primitiveAlias(type, node);
    if (alias) return this.#named(alias, type, () => this.#primitive(type) ?? {});
    // `object` can be a list as well.
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.NonPrimitive)) return {};
    if (type.flags & ts.TypeFlags.TypeParameter)
      return this.schemaOf(
        this.checker.getBaseConstraintOfType(type) ?? this.checker.getUnknownType(),
        place,
      );
    if (type.flags & (ts.TypeFlags.Never | absent)) return { not: {} };
    if (type.isUnion()) return this.#union(type, place);
    const primitive = this.#primitive(type);
    if (primitive) return primitive;
    if (type.flags & ts.TypeFlags.Object || type.isIntersection()) return this.#object(type, place, node);
    throw this.#cannotBeSent(type, place);
  }

  #primitive(type: ts.Type): JsonSchema | undefined {
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.flags & ts.TypeFlags.BooleanLiteral)
      return { const: this.checker.typeToString(type) === 'true' };
    const found = primitives.find(([flag]) => type.flags & flag)?.[1];
    if (found) return { ...found };
    // A string with a brand is a string.
    if (type.isIntersection())
      for (const part of type.types) if (this.#primitive(part)) return this.#primitive(part);
    return undefined;
  }

  /** The alias that a node names, if it stands for a plain string, number or boolean. */
  #primitiveAlias(type: ts.Type, node: ts.TypeNode): ts.Symbol | undefined {
    if (!ts.isTypeReferenceNode(node) || !this.#primitive(type) || type.isLiteral()) return undefined;
    const symbol = this.checker.getSymbolAtLocation(node.typeName);
    const target =
      symbol && symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
    if (!target || !(target.flags & ts.SymbolFlags.TypeAlias)) return undefined;
    return this.checker.getDeclaredTypeOfSymbol(target) === type ? target : undefined;
  }

  #union(type: ts.UnionType, place: ts.Node): JsonSchema {
    const symbol = type.aliasSymbol ?? (type.flags & ts.TypeFlags.EnumLike ? type.symbol : undefined);
    const present = type.types.filter(({ flags }) => !(flags & absent));
    const write = (): JsonSchema => {
      const literals: unknown[] = [];
      const others: JsonSchema[] = [];
      for (const member of present) {
        const schema = this.schemaOf(member, place);
        if ('const' in schema) literals.push(schema.const);
        else if (!others.some((other) => JSON.stringify(other) === JSON.stringify(schema)))
          others.push(schema);
      }
      const isBoolean = literals.includes(true) && literals.includes(false);
      const values = isBoolean ? literals.filter((value) => typeof value !== 'boolean') : literals;
      if (isBoolean) others.unshift({ type: 'boolean' });
      if (values.length > 0) others.unshift(values.length === 1 ? { const: values[0] } : { enum: values });
      return others.length === 1 ? others[0]! : { anyOf: others };
    };
    const isNamed = symbol && present.length === type.types.length && !(type.flags & ts.TypeFlags.Boolean);
    return isNamed ? this.#named(symbol, type, write) : write();
  }

  #object(type: ts.Type, place: ts.Node, node?: ts.TypeNode): JsonSchema {
    const { checker } = this;
    const name = type.symbol?.name ?? '';
    if (this.#isOfLanguage(type.symbol) || name === 'Buffer') {
      if (bytes.has(name)) return { ...bytesSchema };
      if (name === 'Date') return { type: 'string', format: 'date-time' };
      if (uncarried.has(name)) throw this.#cannotBeSent(type, place);
    }
    const element = node && elementNode(node);
    if (checker.isTupleType(type)) return this.#tuple(type as ts.TypeReference, place);
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: this.schemaOf(item!, place, element) };
    }
    if (type.getCallSignatures().length > 0) throw this.#cannotBeSent(type, place);
    const toJson = type.getProperty('toJSON');
    const [signature] = toJson ? checker.getTypeOfSymbol(toJson).getCallSignatures() : [];
    if (signature) return this.schemaOf(signature.getReturnType(), place);
    const write = (): JsonSchema => this.#members(type, place);
    const symbol = type.aliasSymbol ?? type.symbol;
    const isNamed = symbol && !symbol.name.startsWith('__') && !this.#isOfLanguage(symbol);
    if (isNamed) return this.#named(symbol, type, write);
    return this.#names.isOpen(type) ? this.#named(undefined, type, write) : this.#names.around(type, write);
  }

  /** Whether a type is one of the language, such as `Record`. */
  #isOfLanguage(symbol: ts.Symbol | undefined): boolean {
    const [declaration] = symbol?.declarations ?? [];
    return Boolean(declaration) && this.program.isSourceFileDefaultLibrary(declaration!.getSourceFile());
  }

  #members(type: ts.Type, place: ts.Node): JsonSchema {
    const { checker } = this;
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const property of checker.getPropertiesOfType(type)) {
      const { name } = property;
      const declaration = property.declarations?.[0];
      if (name.startsWith('__@') || isHidden(declaration)) continue;
      const of = checker.getTypeOfSymbolAtLocation(property, declaration ?? place);
      // Functions and symbols are left out of JSON.
      const present = membersOf(of).filter(({ flags }) => !(flags & absent));
      const isSent = (member: ts.Type) =>
        member.getCallSignatures().length === 0 && !(member.flags & ts.TypeFlags.ESSymbolLike);
      // A member that can only be absent is left out as well.
      if (present.length === 0 || !present.every(isSent)) continue;
      const schema = this.schemaOf(of, declaration ?? place, declaration && typeNodeOf(declaration));
      const description = documentationOf(property, checker);
      // Own definition: a member may be called `__proto__`.
      Object.defineProperty(properties, name, {
        value: {
          ...schema,
          ...(description && { description }),
          ...(isDeprecated(property) && { deprecated: true }),
        },
        enumerable: true,
      });
      if (!(property.flags & ts.SymbolFlags.Optional) && !canBeAbsent(of)) required.push(name);
    }
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    return {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      ...(index && { additionalProperties: this.schemaOf(index.type, place) }),
    };
  }

  #tuple(type: ts.TypeReference, place: ts.Node): JsonSchema {
    const { elementFlags, minLength } = type.target as ts.TupleType;
    const items = this.checker.getTypeArguments(type).map((item) => this.schemaOf(item, place));
    const rest = elementFlags.findIndex((flag) => flag & ts.ElementFlags.Variable);
    const fixed = rest < 0 ? items : items.slice(0, rest);
    return {
      type: 'array',
      prefixItems: fixed,
      minItems: minLength,
      ...(rest < 0 ? { maxItems: fixed.length, items: false as const } : { items: items[rest]! }),
    };
  }

  /** Writes a type once, under a name. */
  #named(symbol: ts.Symbol | undefined, type: ts.Type, write: () => JsonSchema): JsonSchema {
    const { name, isNew } = this.#names.nameOf(symbol, type, this.checker);
    if (isNew) {
      this.$defs[name] = {};
      const description = symbol && documentationOf(symbol, this.checker);
      this.$defs[name] = { ...this.#names.around(type, write), ...(description && { description }) };
    }
    return { $ref: `#/$defs/${name}` };
  }

  #cannotBeSent(type: ts.Type, place: ts.Node): Error {
    return faultAt(place, `A value of type ${this.checker.typeToString(type)} cannot be sent.`);
  }
}

const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;

function isHidden(declaration: ts.Declaration | undefined): boolean {
  if (!declaration) return false;
  const name = ts.getNameOfDeclaration(declaration);
  return (
    Boolean(ts.getCombinedModifierFlags(declaration) & hidden) ||
    (name !== undefined && ts.isPrivateIdentifier(name))
  );
}

/** The type that a declaration states. */
export function typeNodeOf(declaration: ts.Node): ts.TypeNode | undefined {
  return ts.isPropertySignature(declaration) ||
    ts.isPropertyDeclaration(declaration) ||
    ts.isParameter(declaration)
    ? declaration.type
    : undefined;
}

function elementNode(node: ts.TypeNode): ts.TypeNode | undefined {
  if (ts.isArrayTypeNode(node)) return node.elementType;
  if (ts.isTypeOperatorNode(node)) return elementNode(node.type);
  return ts.isTypeReferenceNode(node) && /^(?:Readonly)?Array$/.test(node.typeName.getText())
    ? node.typeArguments?.[0]
    : undefined;
}
