/** A text of at most so many characters, in memory of its own: a part of a larger text would keep all of it. */
export function shortText(text: string, most: number): string {
  const kept = Buffer.from(text.slice(0, most), 'utf16le').toString('utf16le');
  return text.length <= most ? kept : `${kept.slice(0, -1)}…`;
}
