// Compiles the backends, and lets Node compile the sources of the rest. `npm run cluster`.
import { register } from 'node:module';
import { compile } from '../../scripts/packages.mjs';

compile('test/cluster');
register('../ipc/transport/worker/compile.mjs', import.meta.url);
await import('./main.ts');
