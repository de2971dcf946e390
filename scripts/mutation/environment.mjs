// Jest environment: shares the set of reached statements, skips tests that fail without a mutant, and stops at a failure.
import { TestEnvironment } from 'jest-environment-node';

export default class MutationEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.__reached = globalThis.__reached;
  }

  handleTestEvent({ name, test }, state) {
    const { skipped = [], keepsGoing } = globalThis.__run;
    if (name === 'test_start' && skipped.includes(fullName(test))) test.mode = 'skip';
    if (!keepsGoing && /^(?:test_fn|hook)_failure$/.test(name)) state.testNamePattern = /(?!)/;
  }
}

function fullName(test) {
  const names = [];
  for (let at = test; at.parent; at = at.parent) names.unshift(at.name);
  return names.join(' ');
}
