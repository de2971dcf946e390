import ts from 'typescript';

/** Packages whose private parts only `nest/internals` may use. */
const frameworks = /^(@nestjs\/[^/]+|express|router|fastify)(\/.+)?$/;

/** A use of private parts, as a sentence without its file. */
export interface PrivateUse {
  readonly kind: 'deep import' | 'cast' | 'replaced method' | 'hidden member';
  readonly text: string;
}

/**
 * Finds uses of private parts in one source text:
 *
 * - an import below the entry of a framework's package,
 * - a cast over `unknown`, in a file that imports a framework,
 * - a function that is assigned to a member of another object, in a file that imports a framework,
 * - a member whose name begins with an underscore.
 */
export function privateUses(text: string): PrivateUse[] {
  const specifiers = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const found: PrivateUse[] = specifiers
    .filter((specifier) => frameworks.exec(specifier)?.[2])
    .map((specifier) => ({ kind: 'deep import', text: specifier }));
  const isOfFramework = specifiers.some((specifier) => frameworks.test(specifier));
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (isOfFramework && isCastOverUnknown(node)) found.push({ kind: 'cast', text: node.type.getText() });
    if (isOfFramework && isReplacement(node))
      found.push({ kind: 'replaced method', text: node.left.getText() });
    if (isHidden(node)) found.push({ kind: 'hidden member', text: node.getText() });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isCastOverUnknown(node: ts.Node): node is ts.AsExpression {
  return (
    ts.isAsExpression(node) &&
    ts.isAsExpression(node.expression) &&
    node.expression.type.kind === ts.SyntaxKind.UnknownKeyword
  );
}

function isReplacement(node: ts.Node): node is ts.BinaryExpression {
  return (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    (ts.isPropertyAccessExpression(node.left) || ts.isElementAccessExpression(node.left)) &&
    node.left.expression.kind !== ts.SyntaxKind.ThisKeyword &&
    (ts.isArrowFunction(node.right) || ts.isFunctionExpression(node.right))
  );
}

function isHidden(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text.startsWith('_');
  if (!ts.isBindingElement(node) || !node.propertyName) return false;
  return ts.isIdentifier(node.propertyName) && node.propertyName.text.startsWith('_');
}
