import ts from 'typescript';

/** A call in a test that lets time pass. */
interface Sleep {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The call as it stands there. */
  readonly text: string;
  /** The reason in its comment `Sleeps: …`, or `undefined` if it has none. */
  readonly reason: string | undefined;
}

/** Functions that let time pass, whatever declares them. */
const SLEEPS = ['setTimeout', 'setInterval', 'sleep', 'delay'];
/** Methods that let time pass, by the end of their names: of Node's scheduler, of threads, and of Playwright's pages. */
const METHODS = /(?:^|\.)(?:scheduler\.wait|Atomics\.wait(?:Async)?|waitForTimeout)$/;
/** Objects whose members are the global timers. `jest.setTimeout` sets a limit, and does not wait. */
const HOLDERS = ['globalThis', 'global', 'window', 'self'];
const TIMERS = /^(?:node:)?timers(?:\/promises)?$/;
const REASON = /^\s*(?:\*|\/\/|\/\*\*?)?\s*Sleeps: (\S.*?)\s*(?:\*\/)?$/;

/** Finds each call that lets time pass in a source. */
export function sleepsIn(file: string, text: string): Sleep[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const { names, holders } = aliasesIn(source);
  const comments = commentsIn(source);
  const isSleep = (callee: ts.Expression): boolean => {
    if (ts.isParenthesizedExpression(callee)) return isSleep(callee.expression);
    if (ts.isIdentifier(callee)) return names.has(callee.text);
    if (!ts.isPropertyAccessExpression(callee)) return false;
    const holder = callee.expression.getText(source);
    if (holders.has(holder)) return ['setTimeout', 'setInterval'].includes(callee.name.text);
    return METHODS.test(callee.getText(source));
  };
  const found: Sleep[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isSleep(node.expression)) {
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const reason = comments.on(line) ?? comments.above(line);
      found.push({ file, line: line + 1, text: node.getText(source).split('\n')[0]!, reason });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The names of a file for the functions that let time pass, and for the objects that have them. */
function aliasesIn(source: ts.SourceFile): { names: Set<string>; holders: Set<string> } {
  const names = new Set(SLEEPS);
  const holders = new Set(HOLDERS);
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && TIMERS.test((node.moduleSpecifier as ts.StringLiteral).text)) {
      const { name, namedBindings } = node.importClause ?? {};
      if (name) holders.add(name.text);
      if (namedBindings && ts.isNamespaceImport(namedBindings)) holders.add(namedBindings.name.text);
      if (namedBindings && ts.isNamedImports(namedBindings))
        for (const { propertyName, name: local } of namedBindings.elements)
          if (/^set(?:Timeout|Interval)$/.test((propertyName ?? local).text)) names.add(local.text);
    }
    if (ts.isVariableDeclaration(node) && node.initializer) addVariable(node.name, node.initializer);
    ts.forEachChild(node, visit);
  };
  /** `const later = setTimeout`, `const later = promisify(setTimeout)`, `const { setTimeout: later } = require('timers/promises')`. */
  const addVariable = (name: ts.BindingName, value: ts.Expression): void => {
    const call = ts.isAwaitExpression(value) ? value.expression : value;
    const [first] = ts.isCallExpression(call) ? call.arguments : [];
    const isTimers = first !== undefined && ts.isStringLiteralLike(first) && TIMERS.test(first.text);
    const isSleep = [value, first].some((each) => each && ts.isIdentifier(each) && names.has(each.text));
    if (ts.isIdentifier(name) && isTimers) holders.add(name.text);
    else if (ts.isIdentifier(name) && isSleep && isWrapped(value)) names.add(name.text);
    else if (ts.isObjectBindingPattern(name) && (isTimers || holders.has(value.getText(source))))
      for (const { propertyName, name: local } of name.elements)
        if (/^set(?:Timeout|Interval)$/.test((propertyName ?? local).getText(source)))
          names.add(local.getText(source));
  };
  const isWrapped = (value: ts.Expression): boolean =>
    ts.isIdentifier(value) ||
    (ts.isCallExpression(value) && /(?:^|\.)promisify$/.test(value.expression.getText(source)));
  visit(source);
  return { names, holders };
}

/** The reasons in the comments of a file, by line. */
function commentsIn(source: ts.SourceFile): Record<'on' | 'above', (line: number) => string | undefined> {
  const lines = source.text.split('\n');
  const reasonIn = (comment: string | undefined) => REASON.exec(comment ?? '')?.[1];
  const isComment = (line: string | undefined) => /^\s*(?:\/\/|\/?\*)/.test(line ?? '');
  return {
    on: (line) => reasonIn(/(?:\/\/|\/\*).*$/.exec(lines[line]!)?.[0]),
    /** A comment can have many lines. Its first one begins with the word. */
    above(line) {
      let reason: string | undefined;
      for (let i = line - 1; reason === undefined && isComment(lines[i]); i--) reason = reasonIn(lines[i]);
      return reason;
    },
  };
}

/** Sleeps without a reason, and the number of all if it reaches the limit. */
export function sleepViolations(files: ReadonlyMap<string, string>, limit: number): string[] {
  const all = [...files].flatMap(([file, text]) => sleepsIn(file, text));
  const silent = all
    .filter(({ reason }) => reason === undefined)
    .map(({ file, line, text }) => `${file}:${line}: give the reason in a comment "Sleeps: …": ${text}`);
  const tooMany = `there are ${all.length} sleeps in tests, and the limit is fewer than ${limit}`;
  return all.length < limit ? silent : [...silent, tooMany];
}
