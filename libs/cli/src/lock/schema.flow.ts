import type { Contract, JsonSchema } from '@linnet/common/contract';

/** The shared schemas of a contract. */
export type Definitions = Contract['$defs'];

/** Whether values of one schema can be read by the code for another one. */
export class SchemaFlow {
  /** Pairs that are compared at the moment, or were found to fit: recursive types end here. */
  readonly #assumed = new Set<string>();
  readonly #ids = new Map<JsonSchema, number>();

  /**
   * @param written the definitions of the side that writes
   * @param read the definitions of the side that reads
   * @param isExact whether it is a loss that the reader ignores a member
   */
  constructor(
    private readonly written: Definitions,
    private readonly read: Definitions,
    private readonly isExact: boolean,
  ) {}

  /** Whether the reader understands every value of the writer. A schema that is too complicated to tell does not fit. */
  fits(writer: JsonSchema, reader: JsonSchema): boolean {
    const w = resolve(writer, this.written);
    const r = resolve(reader, this.read);
    const pair = `${this.#id(w)} ${this.#id(r)}`;
    if (this.#assumed.has(pair)) return true;
    const known = this.#assumed.size;
    this.#assumed.add(pair);
    const fits = this.#everyKind(w, r);
    // Pairs that were found to fit since then may have relied on this one.
    if (!fits) for (const later of [...this.#assumed].slice(known)) this.#assumed.delete(later);
    return fits;
  }

  #id(schema: JsonSchema): number {
    const id = this.#ids.get(schema) ?? this.#ids.size;
    this.#ids.set(schema, id);
    return id;
  }

  #everyKind(writer: JsonSchema, reader: JsonSchema): boolean {
    const readers = kindsOf(reader, this.read);
    if (readers.some(isAnything)) return true;
    return kindsOf(writer, this.written).every((w) => readers.some((r) => this.#kindFits(w, r)));
  }

  #kindFits(w: JsonSchema, r: JsonSchema): boolean {
    if ('const' in r) return 'const' in w && w.const === r.const;
    if ('const' in w) return r.format === undefined && r.type === typeName(w.const);
    if (w.type === undefined) return false;
    if (w.type !== r.type) return w.type === 'integer' && r.type === 'number';
    if (w.type === 'array') return this.#listFits(w, r);
    if (w.type === 'object') return this.#objectFits(w, r);
    // Bytes are not a text.
    return r.format === w.format || (r.format === undefined && w.format !== 'binary');
  }

  #listFits(w: JsonSchema, r: JsonSchema): boolean {
    if ((w.minItems ?? 0) < (r.minItems ?? 0) || (w.maxItems ?? Infinity) > (r.maxItems ?? Infinity))
      return false;
    const length = Math.max(w.prefixItems?.length ?? 0, r.prefixItems?.length ?? 0) + 1;
    return Array.from({ length }, (_, i) => i).every((i) => {
      const item = itemAt(w, i);
      const into = itemAt(r, i);
      return item === false || (into !== false && this.fits(item, into));
    });
  }

  #objectFits(w: JsonSchema, r: JsonSchema): boolean {
    const writes = w.properties ?? {};
    const reads = r.properties ?? {};
    if (!(r.required ?? []).every((name) => w.required?.includes(name))) return false;
    const others = schemaOf(r.additionalProperties);
    const named = Object.entries(writes).every(([name, schema]) => {
      const into = Object.hasOwn(reads, name) ? reads[name] : others;
      return into ? this.fits(schema, into) : !this.isExact;
    });
    const further = schemaOf(w.additionalProperties);
    if (!named || !further) return named;
    const unwritten = Object.entries(reads).filter(([name]) => !Object.hasOwn(writes, name));
    return (
      (others ? this.fits(further, others) : !this.isExact) &&
      unwritten.every(([, into]) => this.fits(further, into))
    );
  }
}

function isAnything(schema: JsonSchema): boolean {
  return !('const' in schema) && schema.type === undefined;
}

function itemAt({ prefixItems, items }: JsonSchema, index: number): JsonSchema | false {
  return prefixItems?.[index] ?? items ?? {};
}

function schemaOf(additional: JsonSchema | boolean | undefined): JsonSchema | undefined {
  if (additional === true) return {};
  return additional || undefined;
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function resolve(schema: JsonSchema, definitions: Definitions): JsonSchema {
  let at = schema;
  // An alias of an alias; a circle of aliases does not come from a type.
  for (let i = 0; at.$ref !== undefined && i < 100; i++)
    at = definitions[at.$ref.slice('#/$defs/'.length)] ?? {};
  return at;
}

/** The alternatives of a schema: each a constant, a type, or anything. */
function kindsOf(schema: JsonSchema, definitions: Definitions): JsonSchema[] {
  const at = resolve(schema, definitions);
  if (at.anyOf) return at.anyOf.flatMap((member) => kindsOf(member, definitions));
  if (at.not) return [];
  if (at.enum) return at.enum.map((value) => ({ const: value }));
  if (at.type === 'boolean' && !('const' in at)) return [{ const: false }, { const: true }];
  return [at];
}
