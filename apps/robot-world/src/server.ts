import 'reflect-metadata';
import cluster from 'node:cluster';
import { beginTracing } from './common/trace/begin.tracing.js';
import { Features } from './features.js';
import { createRobotWorldApp } from './robot-world.app.js';
import { welcome } from './welcome.js';

const port = Number(process.env['PORT'] ?? 3001);

await beginTracing('robot-world');
const app = await createRobotWorldApp();
try {
  await app.listen(port, '127.0.0.1');
  const canWrite = app.get(Features, { strict: false }).check('robots.write');
  const text = welcome(port, canWrite, process.env['FLEET_PLANNER_URL']);
  // One of several nodes: the primary process prints it when all of them listen.
  if (cluster.isWorker) process.send!({ welcome: text });
  else console.log(text);
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${port} is taken. Choose another one with the environment variable PORT.`);
  process.exitCode = 1;
  await app.close();
  // The channel to the primary process would keep this one alive.
  if (cluster.isWorker) process.disconnect();
}
