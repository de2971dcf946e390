/**
 * Merges options. Later ones override earlier ones. A member that is `undefined` counts as missing, so that
 * `timeoutMs: config.get('…')` keeps the default if nothing is configured.
 */
export function mergeOptions<T extends object>(...sources: readonly (Partial<T> | undefined)[]): T {
  const merged: Record<string, unknown> = {};
  for (const source of sources)
    for (const [name, value] of Object.entries(source ?? {})) if (value !== undefined) merged[name] = value;
  return merged as T;
}
