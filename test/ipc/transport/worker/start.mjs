// What a worker of the tests begins with: has Node compile the repository's own TypeScript, and runs the file that it is given.
import { register } from 'node:module';

register('./compile.mjs', import.meta.url);
await import(process.argv[2]);
