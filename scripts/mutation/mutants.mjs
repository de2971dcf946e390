// Finds the places of a source file that can be mutated, and the statements that must run for a mutant to matter.
import ts from 'typescript';

/** The error of a mutant whose text is not in its file any more: the file has changed since the mutants were drawn. */
export const SOURCE_CHANGED = 'The source has changed during the run.';

const { SyntaxKind } = ts;

/** Binary operators, each with the operators that replace it. */
const swaps = {
  '&&': ['||'],
  '||': ['&&'],
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '+=': ['-='],
  '-=': ['+='],
  '??=': ['='],
};

/** Calls whose text is a message for people. Tests need not repeat every word, so that text is not mutated. */
const messages = /(?:Error|Exception|badRequest|refuse|warn|debug|log)$/;

/**
 * Lists the mutants of a source file.
 *
 * @returns mutants, each with the range of the text that it replaces, its own text, and `covered`, the position of the
 * statement that must run for it to matter; the `id` survives changes of comments
 */
export function mutantsOf(file, source) {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true);
  const found = [];
  const add = (operator, node, text, covered = coveredBy(node)) => {
    const start = node.getStart(tree);
    if (text === source.slice(start, node.end)) return;
    const { line, character } = tree.getLineAndCharacterOfPosition(start);
    const place = `${file}:${line + 1}:${character + 1}`;
    const id = `${file}#${found.length}`;
    found.push({
      id,
      place,
      file,
      start,
      end: node.end,
      was: source.slice(start, node.end),
      text,
      operator,
      covered,
    });
  };
  visit(tree);
  return found;

  function visit(node) {
    if (isOnlyType(node)) return;
    mutate(node);
    ts.forEachChild(node, visit);
  }

  function mutate(node) {
    const condition = conditionOf(node);
    if (condition) {
      add('condition', condition, 'true');
      add('condition', condition, 'false');
    }
    if (ts.isBinaryExpression(node)) {
      if (node.operatorToken.kind === SyntaxKind.QuestionQuestionToken) {
        add('default', node, `(${node.left.getText(tree)})`);
        add('default', node, `(${node.right.getText(tree)})`);
      }
      const operator = node.operatorToken.getText(tree);
      const text = isText(node.left) || isText(node.right);
      if (!(text && operator.startsWith('+')))
        for (const other of swaps[operator] ?? [])
          add('operator', node.operatorToken, other, coveredBy(node));
    } else if (ts.isPrefixUnaryExpression(node)) {
      const operand = node.operand.getText(tree);
      if (node.operator === SyntaxKind.ExclamationToken) add('negation', node, `(${operand})`);
      if (node.operator === SyntaxKind.MinusToken) add('negation', node, operand);
      if (node.operator === SyntaxKind.PlusPlusToken) add('increment', node, `--${operand}`);
      if (node.operator === SyntaxKind.MinusMinusToken) add('increment', node, `++${operand}`);
    } else if (ts.isPostfixUnaryExpression(node)) {
      const operand = node.operand.getText(tree);
      add('increment', node, operand + (node.operator === SyntaxKind.PlusPlusToken ? '--' : '++'));
    } else if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      if (!isName(node) && !isMessage(node)) add('text', node, node.text === '' ? "'mutant'" : "''");
    } else if (ts.isTemplateExpression(node)) {
      if (!isMessage(node)) add('text', node, "''");
    } else if (ts.isNumericLiteral(node)) {
      if (!isName(node)) add('number', node, `(${node.getText(tree)} + 1)`);
    } else if (node.kind === SyntaxKind.TrueKeyword || node.kind === SyntaxKind.FalseKeyword) {
      add('boolean', node, node.kind === SyntaxKind.TrueKeyword ? 'false' : 'true');
    } else if (ts.isArrayLiteralExpression(node)) {
      if (node.elements.length > 0 && !isAssigned(node)) add('list', node, '[]');
    } else if (ts.isObjectLiteralExpression(node)) {
      if (node.properties.length > 0 && !isAssigned(node)) add('object', node, '({})');
    } else if (node.kind === SyntaxKind.QuestionDotToken) {
      const next = source[node.end];
      add('optional', node, next === '(' || next === '[' ? '' : '.', coveredBy(node.parent));
    } else if (ts.isReturnStatement(node) && node.expression) {
      add('return', node, 'return undefined;');
    } else if (ts.isThrowStatement(node)) {
      // A function that must throw would not compile without its only statement, but runs.
      add('removal', node, ';');
    } else if (ts.isExpressionStatement(node) && node.expression.kind !== SyntaxKind.SuperKeyword) {
      if (!isSuperCall(node.expression)) add('removal', node, ';');
    } else if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
      add('removal', node, ';');
    } else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
      add('return', node.body, 'undefined');
    } else if (ts.isBlock(node) && isBody(node) && node.statements.length > 1) {
      add('body', node, '{}', coverOf(node.statements[0]));
    }
  }

  /** The start of the nearest statement or arrow body around a node. */
  function coveredBy(node) {
    for (let at = node; at.parent; at = at.parent) if (isCounted(at)) return coverOf(at);
    return 0;
  }

  function coverOf(node) {
    return node.getStart(tree);
  }
}

/**
 * Adds a counter before each statement and arrow body.
 *
 * @returns the source, which adds `file:position` to the global set `__reached` as it runs
 */
export function countReached(file, source) {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true);
  const inserted = [];
  const visit = (node, depth) => {
    if (isOnlyType(node)) return;
    if (isCounted(node)) {
      const start = node.getStart(tree);
      const count = `globalThis.__reached?.add(${JSON.stringify(`${file}:${start}`)})`;
      const isExpression = ts.isArrowFunction(node.parent);
      const isBare = !isExpression && !isListed(node);
      const open = isExpression ? `(${count}, ` : isBare ? `{ ${count}; ` : `${count}; `;
      inserted.push({ at: start, text: open, order: depth });
      if (isExpression || isBare)
        inserted.push({ at: node.end, text: isExpression ? ')' : '}', order: -depth });
    }
    ts.forEachChild(node, (child) => visit(child, depth + 1));
  };
  visit(tree, 1);
  // Closing text of inner nodes comes first, then opening text of outer ones.
  inserted.sort((a, b) => a.at - b.at || a.order - b.order);
  let result = '';
  let from = 0;
  for (const { at, text } of inserted) {
    result += source.slice(from, at) + text;
    from = at;
  }
  return result + source.slice(from);
}

/** Statements in a list of statements, bare statements behind `if` and loops, and arrow bodies that are expressions. */
function isCounted(node) {
  const { parent } = node;
  if (!parent) return false;
  if (ts.isArrowFunction(parent)) return parent.body === node && !ts.isBlock(node);
  if (!ts.isStatement(node) || ts.isBlock(node) || isOnlyType(node)) return false;
  if (isListed(node)) return true;
  return ts.isIfStatement(parent) || ts.isIterationStatement(parent, false);
}

function isListed({ parent }) {
  return ts.isBlock(parent) || ts.isSourceFile(parent) || ts.isCaseOrDefaultClause(parent);
}

function isOnlyType(node) {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isTypeParameterDeclaration(node)
  );
}

function conditionOf(node) {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return node.expression;
  if (ts.isForStatement(node) || ts.isConditionalExpression(node)) return node.condition;
  return undefined;
}

const isText = (node) =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateExpression(node) ||
  (ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right)));

const isBody = ({ parent }) => ts.isFunctionLike(parent) && !ts.isConstructorDeclaration(parent);

const isSuperCall = (node) => ts.isCallExpression(node) && node.expression.kind === SyntaxKind.SuperKeyword;

/** Keys of objects and members. */
const isName = (node) => node.parent.name === node || ts.isComputedPropertyName(node.parent);

/** The left side of an assignment by pattern. */
function isAssigned(node) {
  let at = node;
  while (ts.isArrayLiteralExpression(at.parent) || ts.isObjectLiteralExpression(at.parent)) at = at.parent;
  const { parent } = at;
  if (ts.isForOfStatement(parent)) return parent.initializer === at;
  return ts.isBinaryExpression(parent) && parent.left === at;
}

function isMessage(node) {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isThrowStatement(at)) return true;
    if ((ts.isCallExpression(at) || ts.isNewExpression(at)) && messages.test(at.expression.getText()))
      return true;
    if (ts.isStatement(at)) return false;
  }
  return false;
}
