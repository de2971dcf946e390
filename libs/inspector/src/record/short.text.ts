/** A text of at most so many characters, in memory of its own: a part of a text would keep all of it. */
export function shortText(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${Buffer.from(text.slice(0, most - 1), 'utf16le').toString('utf16le')}…`;
}
