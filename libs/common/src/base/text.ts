/** The text of whatever was thrown. Never throws: an object may have none, or a proxy be revoked. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'What was thrown has no text.';
  }
}

/** The message of an error, or the text of whatever else was thrown. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return textOf(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return textOf(thrown);
  }
}

/** Writes to the console what nobody else hears of. Never throws. */
export function reportUnheard(...about: unknown[]): void {
  try {
    console.error(...about);
  } catch {
    console.error('What was thrown cannot be printed.');
  }
}

/** Longer texts of a peer's are cut where they stand in a line of the log. */
const LONGEST_LOGGED = 200;

/** A text of a peer's as it may stand in a line of the log: no line breaks, no codes that a terminal obeys, and not long. */
export function oneLine(text: string): string {
  const clipped = text.length > LONGEST_LOGGED ? `${text.slice(0, LONGEST_LOGGED)}…` : text;
  return clipped.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
