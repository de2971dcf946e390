/** Reports every sentence of a file that breaks a rule, as `file:line: advice: sentence`. */
export function violationsOf(file: string, text: string): string[];
