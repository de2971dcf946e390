// Jest transform: @swc/jest, with one mutant in place of the text that it replaces, or with counters of reached statements.
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import swc from '@swc/jest';
import { countReached, SOURCE_CHANGED } from './mutants.mjs';

export default {
  createTransformer({ root, options, mutant, counted = [] }) {
    const base = swc.createTransformer(options);
    const change = (source, path) => {
      const file = relative(root, path);
      if (mutant?.file === file) {
        if (source.slice(mutant.start, mutant.end) !== mutant.was) throw new Error(SOURCE_CHANGED);
        return source.slice(0, mutant.start) + mutant.text + source.slice(mutant.end);
      }
      return counted.includes(file) ? countReached(file, source) : source;
    };
    return {
      ...base,
      process: (source, path, config) => base.process(change(source, path), path, config),
      processAsync: (source, path, config) => base.processAsync(change(source, path), path, config),
      getCacheKey: (source, path, ...rest) =>
        createHash('sha1')
          .update(base.getCacheKey(change(source, path), path, ...rest))
          .digest('hex'),
    };
  },
};
