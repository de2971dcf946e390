import ts from 'typescript';

/** The names of shared schemas. Types of the same name in different files get numbers. */
export class DefinitionNames {
  /** By compiler identity; a generic type has one for each list of arguments. */
  readonly #byKey = new Map<unknown, string>();
  readonly #taken = new Set<string>();
  /** Types that are being written. */
  readonly #open = new Set<ts.Type>();

  /** Whether a type is being written: it contains itself. */
  isOpen(type: ts.Type): boolean {
    return this.#open.has(type);
  }

  /** Writes a type, which is open meanwhile. */
  around<T>(type: ts.Type, write: () => T): T {
    const isOutermost = !this.#open.has(type);
    this.#open.add(type);
    try {
      return write();
    } finally {
      if (isOutermost) this.#open.delete(type);
    }
  }

  /**
   * The name of a type, for instance `Page_Robot` for `Page<Robot>`.
   *
   * @returns the name, and whether it was not asked for before
   */
  nameOf(
    symbol: ts.Symbol | undefined,
    type: ts.Type,
    checker: ts.TypeChecker,
  ): { name: string; isNew: boolean } {
    // An alias of a plain string has the type of all strings: its symbol tells it apart.
    const key = isShared(type) ? symbol : type;
    const known = this.#byKey.get(key);
    if (known !== undefined) return { name: known, isNew: false };
    const own = symbol?.name ?? 'Recursive';
    const given = type.aliasSymbol === symbol ? type.aliasTypeArguments : typeArguments(type, checker);
    const written = [own, ...(given ?? []).map((argument) => checker.typeToString(argument))].join('_');
    const base =
      written
        .replaceAll(/\W+/g, '_')
        .replaceAll(/^_+|_+$/g, '')
        .slice(0, MAX_NAME) || 'Type';
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    this.#byKey.set(key, name);
    return { name, isNew: true };
  }
}

/** Longer names of generic types are cut: they are read by people. */
const MAX_NAME = 80;

/** Whether other types with the same meaning are the same type for the compiler, such as all strings. */
function isShared({ flags }: ts.Type): boolean {
  return (flags & (ts.TypeFlags.Object | ts.TypeFlags.UnionOrIntersection)) === 0;
}

function typeArguments(type: ts.Type, checker: ts.TypeChecker): readonly ts.Type[] {
  const { target } = type as ts.TypeReference;
  if (!target) return [];
  // An interface's own `this` is its last argument.
  const count = target.typeParameters?.length ?? 0;
  return checker.getTypeArguments(type as ts.TypeReference).slice(0, count);
}
