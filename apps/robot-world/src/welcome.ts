/** The port that `npm run try` and `npm run drive` call by default. */
const DEFAULT_PORT = 3001;

/**
 * The text that the server prints at start: commands to try. The command lines work in every usual shell.
 *
 * @param port the port of the server on this computer
 * @param canWrite whether the write interface is exposed
 * @param plannerUrl the address of the second backend, if it was started as well
 */
export function welcome(port: number, canWrite: boolean, plannerUrl?: string): string {
  const url = `http://127.0.0.1:${port}`;
  const plan = '\n    npm run plan     plans a route in the second backend, which calls this one';
  const others = `\n  … of the second backend:       ${plannerUrl}/docs`;
  return `
  Robot World runs at ${url}

  Call it over RPC:
    curl -H "X-Correlation-Id: hello" -H "Content-Type: text/plain" -d "[{}]" ${url}/RobotWorldReadRpcInterface-1.0.0-countRobots

  Run the example clients in another terminal${port === DEFAULT_PORT ? '' : `, with PORT=${port} in the environment`}:
    npm run try      counts robots and surveys obstacles over RPC
    npm run drive    drives a robot over IPC${plannerUrl ? plan : ''}

  Open the page:                 ${url}/
  Inspect its calls:             ${url}/inspector/
  Read and try the operations:   ${url}/docs${plannerUrl ? others : ''}

  ${
    canWrite
      ? 'Robots can be added and moved: RobotWorldWriteRpcInterface is exposed.'
      : 'To add or move robots, set ROBOT_WORLD_FEATURES=robots.write in the environment.'
  }
  Ctrl+C ends it.
`;
}
