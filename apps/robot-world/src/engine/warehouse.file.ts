/** The environment variable with a file that several nodes share, and that ends with them. */
export const NODES_FILE = 'ROBOT_WORLD_NODES_DB';

/** Whether a warehouse ends with the processes that use it. */
export function isTemporary(file: string): boolean {
  return file === ':memory:' || file === process.env[NODES_FILE];
}
