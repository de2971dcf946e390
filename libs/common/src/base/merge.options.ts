/**
 * Puts options together, the later the stronger. A member that is `undefined` is not given: `timeoutMs: config.get('…')`
 * leaves the default where nothing is configured.
 */
export function mergeOptions<T extends object>(...sources: readonly (Partial<T> | undefined)[]): T {
  const merged: Record<string, unknown> = {};
  for (const source of sources)
    for (const [name, value] of Object.entries(source ?? {})) if (value !== undefined) merged[name] = value;
  return merged as T;
}
