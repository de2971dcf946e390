// The entry of a worker in tests: lets Node compile the repository's TypeScript, and runs the given file.
import { register } from 'node:module';

register('./compile.mjs', import.meta.url);
await import(process.argv[2]);
