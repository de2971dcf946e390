/** The text of a thrown value. Never throws, even if the object has no text or is a revoked proxy. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'What was thrown has no text.';
  }
}

/** The message of an error, or the text of another thrown value. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return textOf(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return textOf(thrown);
  }
}

/** Writes an error that has no listener to the console. Never throws. */
export function reportUnhandled(...about: unknown[]): void {
  try {
    console.error(...about);
  } catch {
    console.error('The thrown value cannot be printed.');
  }
}

/** Longer texts from a peer are cut in log lines. */
const MAX_LOGGED_LENGTH = 200;

/** A text from a peer, made safe for a log line: cut, without line breaks and without terminal escape codes. */
export function oneLine(text: string): string {
  const clipped = text.length > MAX_LOGGED_LENGTH ? `${text.slice(0, MAX_LOGGED_LENGTH)}…` : text;
  return clipped.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
