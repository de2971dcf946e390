import { levelOf } from '../lock/change.js';
import type { Level } from '../lock/change.js';
import type { Verdict } from '../lock/contract.comparison.js';
import { coloured } from './terminal.js';
import type { Terminal } from './terminal.js';

const colours = { major: 'red', minor: 'yellow', patch: 'dim' } as const satisfies Record<Level, string>;

/** The verdicts for people: a paragraph for each interface and channel. */
export function verdictsText(verdicts: readonly Verdict[], terminal: Terminal): string {
  if (verdicts.length === 0) return 'The definitions have the shape of the lock.\n';
  const paragraphs = verdicts.map((verdict) => {
    const { kind, name, version, changes, remedy } = verdict;
    const numbers =
      version &&
      (version.locked === version.current ? version.locked : `${version.locked} → ${version.current}`);
    const head = coloured(terminal, 'bold', [kind, name, numbers].filter(Boolean).join(' '));
    const lines = changes.map((change) => {
      const level = levelOf(change);
      const breaks = change.breaks.length > 0 ? ` (breaks ${change.breaks.join(' and ')})` : '';
      return `  ${coloured(terminal, colours[level], level)}  ${change.where}: ${change.text}${breaks}`;
    });
    const end = remedy ? [`  ${coloured(terminal, 'red', remedy)}`] : [];
    return [head, ...lines, ...end].join('\n');
  });
  const isOpen = verdicts.some(({ remedy }) => remedy);
  const last = isOpen
    ? 'The versions do not allow these changes.'
    : 'The versions allow these changes: run linnet lock.';
  return `${[...paragraphs, last].join('\n\n')}\n`;
}

/** The verdicts for programs. */
export function verdictsJson(verdicts: readonly Verdict[]): string {
  const result = {
    isSame: verdicts.length === 0,
    isAllowed: verdicts.every(({ remedy }) => !remedy),
    verdicts: verdicts.map(({ changes, ...verdict }) => ({
      ...verdict,
      changes: changes.map((change) => ({ ...change, level: levelOf(change) })),
    })),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
