/** Where `npm run try` and `npm run drive` look unless they are told otherwise. */
const DEFAULT_PORT = 3001;

/**
 * The commands to try with a running server, on one screen. The command lines work in every usual shell.
 *
 * @param port where it listens on this computer
 * @param canWrite whether the write interface is exposed
 * @param plannerUrl where the second backend is, if it was started as well
 */
export function welcome(port: number, canWrite: boolean, plannerUrl?: string): string {
  const url = `http://127.0.0.1:${port}`;
  const plan =
    '\n    npm run plan     asks the second backend for a route, which asks this one for obstacles';
  const others = `\n  … and in the second backend:  ${plannerUrl}/v3/swagger.json`;
  return `
  Robot World is open: ${url}

  Ask it something:
    curl -H "X-Correlation-Id: hello" -H "Content-Type: text/plain" -d "[{}]" ${url}/RobotWorldReadRpcInterface-1.0.0-countRobots

  Run iTwin.js clients against it, in another terminal${port === DEFAULT_PORT ? '' : `, with PORT=${port} in its environment, too`}:
    npm run try      asks over RPC
    npm run drive    drives a robot over IPC${plannerUrl ? plan : ''}

  Look at the floor, and click: ${url}/
  See what can be called:       ${url}/v3/swagger.json${plannerUrl ? others : ''}

  ${
    canWrite
      ? 'Robots can be added and put elsewhere: RobotWorldWriteRpcInterface is exposed.'
      : 'To add robots, or put them elsewhere: ROBOT_WORLD_FEATURES=robot.imodel.readwrite in the environment.'
  }
  Ctrl+C ends it.
`;
}
