// Calls the server with nothing but `fetch`: an RPC request is a POST of the list of arguments as JSON.
export const token = { iTwinId: 'demo', iModelId: 'warehouse' };
export const readInterface = 'RobotWorldReadRpcInterface-1.0.0';

export async function call(operation, ...args) {
  const response = await fetch(operation, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'X-Correlation-ID': crypto.randomUUID() },
    body: JSON.stringify(args),
  });
  if (!response.ok) throw new Error((await response.json()).message);
  const isBinary = response.headers.get('Content-Type') === 'application/octet-stream';
  return isBinary ? new Uint8Array(await response.arrayBuffer()) : response.json();
}
