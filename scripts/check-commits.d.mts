/** Reports each rule that a subject breaks. */
export function violationsOf(subject: string): string[];
