import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

const scripts = new Map<string, Script>();

/** Timers of a page: pages end with their window, and keep no process. */
export const pageTimers = {
  // Sleeps: a page needs a timer function, and no test waits for it.
  setTimeout: (work: () => void, ms?: number) => setTimeout(work, ms).unref(),
  clearTimeout,
  // Sleeps: a page needs a timer function, and no test waits for it.
  setInterval: (work: () => void, ms?: number) => setInterval(work, ms).unref(),
  clearInterval,
};

/** CommonJS modules, as a bundler puts them together for a page. */
export class PageModules {
  readonly #loaded = new Map<string, { exports: unknown }>();

  constructor(private readonly window: object) {}

  load(file: string): unknown {
    const known = this.#loaded.get(file);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    this.#loaded.set(file, module);
    if (file.endsWith('.json')) {
      module.exports = JSON.parse(readFileSync(file, 'utf8'));
      return module.exports;
    }
    const { resolve } = createRequire(file);
    // A page has nothing of Node: a bundler takes packages of these names.
    const find = (id: string) => resolve(isBuiltin(id) ? `${id}/` : id);
    const run = scriptOf(file).runInContext(this.window) as (...args: unknown[]) => void;
    run(module.exports, (id: string) => this.load(find(id)), module, file, dirname(file));
    return module.exports;
  }
}

function scriptOf(filename: string): Script {
  let script = scripts.get(filename);
  if (!script) {
    // The code as a bundler makes it.
    const code = readFileSync(filename, 'utf8').replaceAll('process.env.NODE_ENV', '"production"');
    script = new Script(`(function (exports, require, module, __filename, __dirname) {${code}\n})`, {
      filename,
    });
    scripts.set(filename, script);
  }
  return script;
}
