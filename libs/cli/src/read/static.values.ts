import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import type { ContractPolicy } from '@linnet/common/contract';

/** The object literal behind `as const`, `satisfies`, parentheses and `rpcOperations<T>()`. */
export function literalOf(node: ts.Node | undefined): ts.ObjectLiteralExpression | undefined {
  if (!node) return undefined;
  if (ts.isObjectLiteralExpression(node)) return node;
  if (ts.isCallExpression(node) && /^rpcOperations\b/.test(node.expression.getText()))
    return literalOf(node.arguments[0]);
  return ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)
    ? literalOf(node.expression)
    : undefined;
}

/** The name of a member, unless it is computed. */
export function plainName(name: ts.PropertyName | undefined): string | undefined {
  return name && (ts.isIdentifier(name) || ts.isStringLiteralLike(name)) ? name.text : undefined;
}

/** The value of a member of an object literal. A method is its own value. */
export function memberOf(literal: ts.ObjectLiteralExpression | undefined, name: string): ts.Node | undefined {
  const member = literal?.properties.find((property) => plainName(property.name) === name);
  return member && (ts.isPropertyAssignment(member) ? member.initializer : member);
}

/** The members of a policy that are compared. Other members are schemas, or do not concern the other side. */
const policyMembers = [
  'allowResponseCaching',
  'allowResponseCompression',
  'allowTokenMismatch',
  'concurrency',
  'resumable',
  'idempotency',
  'token',
] as const;

/** The policy that an object literal states. */
export function policyOf(literal: ts.ObjectLiteralExpression, checker: ts.TypeChecker): ContractPolicy {
  const policy: ContractPolicy = {};
  for (const name of policyMembers) {
    const node = memberOf(literal, name);
    if (!node) continue;
    const type = checker.getTypeAtLocation(node);
    if (type.isStringLiteral() || type.isNumberLiteral()) policy[name] = type.value;
    else if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword)
      policy[name] = node.kind === ts.SyntaxKind.TrueKeyword;
    // A function, or a constant: some callers are answered otherwise than by default.
    else policy[name] = true;
  }
  return policy;
}

/** The options that decorators of a method state: `@RpcOperation({ … })`. */
export function decoratedOptions(method: ts.Node): ts.ObjectLiteralExpression[] {
  return decoratorsOf(method).flatMap(({ name, argument }) =>
    name === 'RpcOperation' || name === 'RpcOperation.setPolicy' ? (literalOf(argument) ?? []) : [],
  );
}

/** The policy that decorators of a method state by their names, as in iTwin.js. */
export function decoratedPolicy(method: ts.Node): ContractPolicy {
  const names = decoratorsOf(method).map(({ name }) => name);
  return {
    ...(names.includes('RpcOperation.allowResponseCaching') && { allowResponseCaching: true }),
    ...(names.includes('RpcOperation.setRoutingProps') && { token: true }),
  };
}

function decoratorsOf(method: ts.Node): { name: string; argument: ts.Node | undefined }[] {
  const decorators = ts.canHaveDecorators(method) ? (ts.getDecorators(method) ?? []) : [];
  return decorators.flatMap(({ expression }) =>
    ts.isCallExpression(expression)
      ? { name: expression.expression.getText(), argument: expression.arguments[0] }
      : [],
  );
}

/** A static text of a class: from its type, from its initializer, or from the code beside a declaration file. */
export function staticText(
  property: ts.Symbol,
  className: string,
  checker: ts.TypeChecker,
): string | undefined {
  const declaration = property.valueDeclaration;
  if (!declaration) return undefined;
  const type = checker.getTypeOfSymbolAtLocation(property, declaration);
  if (type.isStringLiteral()) return type.value;
  const initializer = ts.isPropertyDeclaration(declaration) ? declaration.initializer : undefined;
  const value = initializer && checker.getTypeAtLocation(initializer);
  if (value?.isStringLiteral()) return value.value;
  return textInCode(declaration.getSourceFile().fileName, className, property.name);
}

/** `static interfaceVersion: string` of a declaration file has its value only in the code that it declares. */
function textInCode(declarations: string, className: string, member: string): string | undefined {
  const file = declarations.replace(/\.d\.([cm]?)ts$/, '.$1js');
  if (file === declarations || !existsSync(file)) return undefined;
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext, true);
  let found: string | undefined;
  const visit = (node: ts.Node): void => {
    if (
      ts.isPropertyDeclaration(node) &&
      node.name.getText() === member &&
      ts.isClassLike(node.parent) &&
      node.parent.name?.text === className
    )
      found ??= textOf(node.initializer);
    if (ts.isBinaryExpression(node) && node.left.getText() === `${className}.${member}`)
      found ??= textOf(node.right);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const textOf = (node: ts.Node | undefined) => (node && ts.isStringLiteralLike(node) ? node.text : undefined);
