import cluster from 'node:cluster';

// Several nodes have a process each, below this one, which serves nobody and therefore loads nothing of the application.
const nodes = Number(process.env['ROBOT_WORLD_NODES'] ?? 1);
if (nodes > 1 && cluster.isPrimary) (await import('./nodes/primary.js')).startNodes(nodes);
else await import('./server.js');
