import 'reflect-metadata';
import { Features } from './features.js';
import { createRobotWorldApp } from './robot-world.app.js';
import { welcome } from './welcome.js';

const port = Number(process.env['PORT'] ?? 3001);

const app = await createRobotWorldApp();
try {
  await app.listen(port, '127.0.0.1');
  const canWrite = app.get(Features, { strict: false }).check('robots.write');
  console.log(welcome(port, canWrite, process.env['FLEET_PLANNER_URL']));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${port} is taken. Choose another one with the environment variable PORT.`);
  process.exitCode = 1;
  await app.close();
}
