import 'reflect-metadata';
import { beginTracing } from '../../robot-world/src/common/trace/begin.tracing.js';
import { createFleetPlannerApp } from './fleet-planner.app.js';

// Not PORT, which Robot World uses: both may be started with the same environment.
const port = Number(process.env['FLEET_PLANNER_PORT'] ?? 3002);

await beginTracing('fleet-planner');
const app = await createFleetPlannerApp();
try {
  await app.listen(port, '127.0.0.1');
  // For a parent process that starts several backends.
  process.send?.('ready');
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  console.error(
    `Port ${port} is taken. Choose another one with the environment variable FLEET_PLANNER_PORT.`,
  );
  process.exitCode = 1;
  await app.close();
}
