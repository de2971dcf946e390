/**
 * Finds a byte string in others by both rules of Boyer and Moore. Ordinary data costs a fraction of a comparison per
 * byte, and no pattern and data of a peer cost more than a few.
 */
export class ByteSearch {
  readonly #last = new Int32Array(256).fill(-1);
  readonly #shift: Int32Array;

  constructor(private readonly pattern: Uint8Array) {
    const m = pattern.length;
    for (let i = 0; i < m; i++) this.#last[pattern[i]!] = i;
    this.#shift = goodSuffixShifts(pattern);
  }

  get length(): number {
    return this.pattern.length;
  }

  /** The first index of the pattern, or -1. */
  find(bytes: Uint8Array): number {
    // The platform's search for one byte is the fastest if that byte is rare. If a peer makes it common, the search
    // continues by shifts, which no data can slow down.
    const { pattern } = this;
    const first = pattern[0]!;
    let at = bytes.indexOf(first);
    for (let hits = bytes.length >> 6; at >= 0; hits--) {
      if (hits <= 0) return this.#findByShifts(bytes, at);
      if (matches(bytes, at, pattern)) return at;
      at = bytes.indexOf(first, at + 1);
    }
    return -1;
  }

  #findByShifts(bytes: Uint8Array, from: number): number {
    const { pattern } = this;
    const m = pattern.length;
    const end = bytes.length - m;
    let at = from;
    while (at <= end) {
      let i = m - 1;
      while (i >= 0 && pattern[i] === bytes[at + i]) i--;
      if (i < 0) return at;
      const byCharacter = i - this.#last[bytes[at + i]!]!;
      const bySuffix = this.#shift[i]!;
      at += byCharacter > bySuffix ? byCharacter : bySuffix;
    }
    return -1;
  }
}

function matches(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false;
  return true;
}

/** For each index of a mismatch: the shift after which the matched bytes behind it match again. */
function goodSuffixShifts(pattern: Uint8Array): Int32Array {
  const m = pattern.length;
  const shifts = new Int32Array(m).fill(0);
  const border = new Int32Array(m + 1);
  let i = m;
  let j = m + 1;
  border[i] = j;
  while (i > 0) {
    while (j <= m && pattern[i - 1] !== pattern[j - 1]) {
      if (shifts[j - 1] === 0) shifts[j - 1] = j - i;
      j = border[j]!;
    }
    border[--i] = --j;
  }
  j = border[0]!;
  for (i = 0; i < m; i++) {
    if (shifts[i] === 0) shifts[i] = j;
    if (i + 1 === j) j = border[j]!;
  }
  return shifts;
}
