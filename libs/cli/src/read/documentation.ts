import ts from 'typescript';

/** The doc comment of a symbol as Markdown; `undefined` without one. */
export function documentationOf(symbol: ts.Symbol, checker: ts.TypeChecker): string | undefined {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() || undefined;
}

/** Whether a symbol has the tag `@deprecated`. */
export function isDeprecated(symbol: ts.Symbol): boolean {
  return symbol.getJsDocTags().some(({ name }) => name === 'deprecated');
}
