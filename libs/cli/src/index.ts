export { run } from './command/run.js';
export type { ExitCode, Terminal } from './command/terminal.js';
