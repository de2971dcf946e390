// Checks the subjects of commits: Conventional Commits, imperative, at most 72 characters (CONTRIBUTING.md, "Commits").
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** Earlier commits were written before the rule. */
const SINCE = '2026-11-29T06:00:00Z';
const LONGEST = 72;
const form = /^(?:build|ci|docs|feat|fix|perf|refactor|revert|style|test)(?:\([a-z-]+\))?!?: [a-z@`]/;
const notImperative =
  /: (?:\w+ly )?(?:add|change|fix|make|move|remove|rename|rewrite|update|use)(?:d|s|es|ed|ing)\b/;

/** Reports each rule that a subject breaks. */
export function violationsOf(subject) {
  const found = [];
  if (subject.length > LONGEST) found.push(`has ${subject.length} characters, more than ${LONGEST}`);
  if (!form.test(subject)) found.push('is not a Conventional Commit: "type(scope): imperative"');
  if (notImperative.test(subject)) found.push('is not imperative: "add", not "adds" or "added"');
  if (subject.endsWith('.')) found.push('ends with a full stop');
  return found.map((fault) => `"${subject}" ${fault}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { status, stdout } = spawnSync('git', ['log', '--no-merges', `--since=${SINCE}`, '--format=%s'], {
    encoding: 'utf8',
  });
  if (status !== 0) console.log('Commits are not checked: this folder is not a git repository.');
  const subjects = status === 0 ? stdout.split('\n').filter(Boolean) : [];
  const found = subjects.flatMap(violationsOf);
  for (const line of found) console.log(line);
  console.log(`${subjects.length} commits since ${SINCE}, ${found.length} faults`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
