import ts from 'typescript';
import type { ContractOperation, ContractParameter, JsonSchema } from '@linnet/common/contract';
import { documentationOf, isDeprecated } from './documentation.js';
import { faultAt } from './fault.js';
import { memberOf } from './static.values.js';
import { canBeAbsent, typeNodeOf } from './type.schema.js';
import type { SchemaWriter } from './type.schema.js';

/** Reads signatures of operations, methods and notifications. */
export class OperationReader {
  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly schemas: SchemaWriter,
  ) {}

  /**
   * Reads a method that can be called.
   *
   * @param options the options that the definition states for it, in the source
   * @returns `undefined` if the member is not a method, or returns neither a promise nor a stream
   * @throws SourceFault if a value of a type cannot be sent
   */
  operation(
    method: ts.Symbol,
    options: readonly ts.ObjectLiteralExpression[],
  ): ContractOperation | undefined {
    const { checker, schemas } = this;
    const found = this.#signature(method);
    if (!found) return undefined;
    const { signature, place } = found;
    const returned = signature.getReturnType();
    const item = itemOf(returned, checker);
    const value = item ?? checker.getAwaitedType(returned);
    if (!value || (!item && value === returned)) return undefined;
    const node = returnNode(place, Boolean(item));
    const isNothing = value.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined | ts.TypeFlags.Never);
    const description = documentationOf(method, checker);
    const errors = this.#errors(options);
    return {
      ...(description && { description }),
      ...(isDeprecated(method) && { deprecated: true as const }),
      parameters: this.parameters(signature),
      ...(!isNothing && { result: schemas.schemaOf(value, place, node) }),
      ...(!isNothing && canBeAbsent(value) && { resultOptional: true as const }),
      ...(item && { stream: true as const }),
      ...(errors && { errors }),
    };
  }

  /** Reads a notification: a method whose result is of no interest. */
  notification(method: ts.Symbol): { description?: string; parameters: ContractParameter[] } | undefined {
    const found = this.#signature(method);
    const description = documentationOf(method, this.checker);
    return found && { ...(description && { description }), parameters: this.parameters(found.signature) };
  }

  #signature(method: ts.Symbol): { signature: ts.Signature; place: ts.Declaration } | undefined {
    const [place] = method.declarations ?? [];
    if (!place) return undefined;
    const signatures = this.checker.getTypeOfSymbolAtLocation(method, place).getCallSignatures();
    if (signatures.length > 1)
      throw faultAt(
        place,
        `"${method.name}" has several signatures: declare one, with optional parameters or a union.`,
      );
    return signatures[0] && { signature: signatures[0], place };
  }

  /** Reads the parameters of a signature. */
  parameters(signature: ts.Signature): ContractParameter[] {
    return signature.getParameters().map((parameter) => this.#parameter(parameter));
  }

  #parameter(parameter: ts.Symbol): ContractParameter {
    const { checker, schemas } = this;
    const declaration = parameter.valueDeclaration as ts.ParameterDeclaration;
    const type = checker.getTypeOfSymbolAtLocation(parameter, declaration);
    const isRest = Boolean(declaration.dotDotDotToken);
    const isOptional = !isRest && (checker.isOptionalParameter(declaration) || canBeAbsent(type));
    const item = itemOf(checker.getNonNullableType(type), checker);
    const isList = isRest && checker.isArrayType(type);
    const [element] = isList ? checker.getTypeArguments(type as ts.TypeReference) : [];
    const description = documentationOf(parameter, checker);
    const node = item || isRest ? undefined : typeNodeOf(declaration);
    return {
      name: parameter.name,
      ...(description && { description }),
      ...(isOptional && { optional: true as const }),
      ...(isRest && { rest: true as const }),
      ...(item && { stream: true as const }),
      schema: schemas.schemaOf(item ?? element ?? type, declaration, node),
    };
  }

  /** The errors that a definition declares, each a schema whose output is the data. */
  #errors(options: readonly ts.ObjectLiteralExpression[]): Record<string, JsonSchema> | undefined {
    const { checker, schemas } = this;
    const [node] = options.flatMap((each) => memberOf(each, 'errors') ?? []);
    if (!node) return undefined;
    const memberType = (type: ts.Type | undefined, name: string) => {
      const member = type && checker.getNonNullableType(type).getProperty(name);
      return member && checker.getTypeOfSymbolAtLocation(member, node);
    };
    const errors = checker.getPropertiesOfType(checker.getTypeAtLocation(node)).map((error) => {
      // The types of a schema: https://standardschema.dev
      const schema = checker.getTypeOfSymbolAtLocation(error, node);
      const output = ['~standard', 'types', 'output'].reduce(memberType, schema);
      if (!output) return [error.name, {}] as const;
      const data = schemas.schemaOf(output, node);
      return [error.name, canBeAbsent(output) ? { anyOf: [data, { not: {} }] } : data] as const;
    });
    return Object.fromEntries(errors);
  }
}

const streams = new Set([
  'AsyncIterable',
  'AsyncIterableIterator',
  'AsyncGenerator',
  'ReadableStream',
  'Observable',
]);

/** The items of a stream type; `undefined` for any other type. */
function itemOf(type: ts.Type, checker: ts.TypeChecker): ts.Type | undefined {
  if (!streams.has(type.symbol?.name ?? '')) return undefined;
  return checker.getTypeArguments(type as ts.TypeReference)[0];
}

/** `T` of a declared `Promise<T>`, or of a declared stream. */
function returnNode(place: ts.Declaration, isStream: boolean): ts.TypeNode | undefined {
  const node = ts.isFunctionLike(place) ? place.type : undefined;
  if (!node || !ts.isTypeReferenceNode(node)) return undefined;
  const isPromise = node.typeName.getText() === 'Promise';
  return isPromise || isStream ? node.typeArguments?.[0] : undefined;
}
