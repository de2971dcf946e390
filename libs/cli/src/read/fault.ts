import type { Node } from 'typescript';

/** A fault in the source, at its place. It is reported as `file:line:column - message`. */
export class SourceFault extends Error {
  constructor(
    message: string,
    /** The absolute path of the file. */
    readonly file: string,
    /** Counted from 1; 0 if the fault is the file itself. */
    readonly line = 0,
    /** Counted from 1; 0 if the fault is the file itself. */
    readonly column = 0,
  ) {
    super(message);
  }
}

/** The fault of a node. */
export function faultAt(node: Node, message: string): SourceFault {
  const source = node.getSourceFile();
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return new SourceFault(message, source.fileName, line + 1, character + 1);
}
