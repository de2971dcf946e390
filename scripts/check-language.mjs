// Checks the mechanical rules of plain English (CONTRIBUTING.md, "Language") in every comment and every Markdown file.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

/** Each rule: how to find a sentence that breaks it, and the advice that is printed. */
const rules = [
  {
    pattern: /^(?:What|Who|Whoever|Whose|Those|That of|Of)\b(?!.*\?$)/,
    advice: 'open with a concrete noun or an imperative',
  },
  {
    pattern: /\bof (?:the |an? |this |that |another |our |its |their )?[\w.]+['’]s(?=[.,;:)!?]|$)/,
    advice: 'write "from the backend", not "of the backend\'s"',
  },
  { pattern: /\bwith a sentence\b/, advice: 'write "@throws Error if …"' },
  {
    pattern: /@returns (?:stops|ends|removes|closes|undoes|cancels|releases|frees)\b/,
    advice: 'write "@returns a function that …"',
  },
  {
    pattern: /@throws (?:[\w.|{}@ ]*?\([^)]*\) |\S+ )(?:for|where|naming|with)\b/,
    advice: 'write "@throws Error if …"',
  },
  { pattern: /\b(?:is|are|was|were) (?:no|none)\b(?! (?:longer|more)\b)/, advice: 'write "is not a"' },
];

/**
 * Splits a text into sentences. A blank line, an item of a list, a cell of a table and a tag of a doc comment begin a new
 * one. Headings are not sentences.
 *
 * @returns the sentences, each with the number of its line, from 0
 */
function sentencesOf(text) {
  const found = [];
  let current;
  const end = () => {
    if (!current) return;
    // A full stop inside `code` ends no sentence; abbreviations are followed by a small letter.
    for (const sentence of current.text.split(/(?<=[.!?])["”)*_]*\s+(?=["“(*_`]*[A-Z])/))
      found.push({ line: current.line, text: sentence.trim() });
    current = undefined;
  };
  for (const [line, raw] of text.split('\n').entries()) {
    const isHeading = /^#+\s/.test(raw);
    const item = /^\s*(?:>\s*)*(?:[-*+]|\d+\.)\s+(.*)$/.exec(raw);
    const words = (item?.[1] ?? raw.replace(/^\s*(?:>\s*)+/, '')).trim();
    if (isHeading || item || words === '' || words.startsWith('@') || words.startsWith('|')) end();
    if (isHeading || words === '' || /^[|:\-\s]+$/.test(words)) continue;
    if (words.startsWith('|')) {
      for (const cell of words.split('|').slice(1, -1)) {
        current = { line, text: cell.trim() };
        end();
      }
    } else if (current) current.text += ` ${words}`;
    else current = { line, text: words };
  }
  end();
  return found;
}

/** The comments of a source, each as its text without delimiters and the number of its first line, from 0. */
function commentsOf(source, name) {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true);
  const ranges = new Map();
  const visit = (node) => {
    for (const range of [
      ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
    ])
      ranges.set(range.pos, range);
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  const comments = [];
  for (const { pos, end, kind } of [...ranges.values()].toSorted((a, b) => a.pos - b.pos)) {
    const line = file.getLineAndCharacterOfPosition(pos).line;
    const text = source.slice(pos, end);
    const body =
      kind === ts.SyntaxKind.SingleLineCommentTrivia
        ? text.replace(/^\/\/+\s?/, '')
        : text.replace(/^\/\*+|\*+\/$/g, '').replaceAll(/^\s*\*\s?/gm, '');
    const last = comments.at(-1);
    // Lines of `//` one below the other are one text.
    if (
      last &&
      kind === last.kind &&
      kind === ts.SyntaxKind.SingleLineCommentTrivia &&
      line === last.end + 1
    ) {
      last.text += `\n${body}`;
      last.end = line;
    } else comments.push({ line, end: line, kind, text: body });
  }
  return comments;
}

/** The prose of a Markdown file as a text of the same lines; code keeps its comments alone. */
function proseOf(markdown) {
  let inCode = false;
  return markdown
    .split('\n')
    .map((line) => {
      if (/^\s*(?:```|~~~)/.test(line)) {
        inCode = !inCode;
        return '';
      }
      return inCode ? (/^\s*(?:\/\/|#|\*)\s+(.*)$/.exec(line)?.[1] ?? '') : line;
    })
    .join('\n');
}

/** Reports every sentence of a file that breaks a rule, as `file:line: advice: sentence`. */
export function violationsOf(file, text) {
  const texts = file.endsWith('.md') ? [{ line: 0, text: proseOf(text) }] : commentsOf(text, file);
  return texts.flatMap(({ line, text: words }) =>
    sentencesOf(words.replaceAll(/`[^`\n]*`/g, '`…`')).flatMap((sentence) =>
      rules
        .filter(({ pattern }) => pattern.test(sentence.text))
        .map(
          ({ advice }) => `${file}:${line + sentence.line + 1}: ${advice}: ${sentence.text.slice(0, 100)}`,
        ),
    ),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.split('\0').filter((file) => /\.(?:[cm]?[jt]s|md)$/.test(file));
  const found = files.flatMap((file) => violationsOf(file, readFileSync(`${root}${file}`, 'utf8')));
  for (const line of found) console.log(line);
  console.log(`${files.length} files, ${found.length} sentences break a rule`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
