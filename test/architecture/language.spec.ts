import { describe, expect, it } from '@jest/globals';
import { violationsOf as commitViolationsOf } from '../../scripts/check-commits.mjs';
import { violationsOf } from '../../scripts/check-language.mjs';

describe('check-language', () => {
  it.each([
    ['// What is sent is checked.', 'open with a concrete noun'],
    ['// Sends a frame. Those that are too long are rejected.', 'open with a concrete noun'],
    ['/** Of the definition. */', 'open with a concrete noun'],
    ['/**\n * Sends a frame.\n *\n * Whoever waits is notified.\n */', 'open with a concrete noun'],
    ['// Answers calls of the backend’s.', 'from the backend'],
    ["// Answers calls of the backend's, in order.", 'from the backend'],
    ['/** @returns stops listening */', '@returns a function that'],
    ['/** @throws Error for a name that is taken */', '@throws Error if'],
    ['/** Refuses it with a sentence. */', '@throws Error if'],
    ['// A proxy is no handler.', 'is not a'],
    ['const x = 1; // There is no frame.', 'is not a'],
  ])('reports the comment %j', (comment, advice) => {
    expect(violationsOf('a.ts', comment)).toEqual([expect.stringContaining(advice)]);
  });

  it.each([
    '// The frame is no longer sent.',
    '// Sends the frames of the session.',
    "// The session's frames are sent.",
    '/** @returns a function that removes the listener */',
    '/** @throws Error if the name is taken */',
    "const text = 'What is in a string is not a comment.';",
    '// Names a value: `Of course`. Then sends it.',
  ])('accepts %j', (source) => {
    expect(violationsOf('a.ts', source)).toEqual([]);
  });

  it('checks tables and comments of code in Markdown, but neither headings nor questions', () => {
    const text = [
      '# What it is',
      '',
      'What happens then?',
      '',
      '| a | Of the session |',
      '',
      '```ts',
      "const a = 'What'; ",
      '// Those are sent.',
      '```',
    ].join('\n');
    expect(violationsOf('a.md', text).map((line) => line.split(': ')[0])).toEqual(['a.md:5', 'a.md:9']);
  });
});

describe('check-commits', () => {
  it.each([
    'feat(ipc): resume a session on another node',
    'docs: describe the wire',
    'refactor!: rename a type',
  ])('accepts the subject %j', (subject) => {
    expect(commitViolationsOf(subject)).toEqual([]);
  });

  it.each([
    ['Describe the wire', 'Conventional'],
    ['docs: describe the wire.', 'full stop'],
    ['docs: added a page', 'imperative'],
    [`docs: ${'x'.repeat(67)}`, '73 characters'],
  ])('reports the subject %j', (subject, fault) => {
    expect(commitViolationsOf(subject)).toEqual([expect.stringContaining(fault)]);
  });
});
