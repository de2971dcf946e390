/** The first entries that fit. @param most how many at most; not 0 */
export function firstOf<T>(all: Iterable<T>, most: number, fits: (entry: T) => boolean): T[] {
  const found: T[] = [];
  for (const entry of all) {
    if (fits(entry)) found.push(entry);
    if (found.length === most) break;
  }
  return found;
}
