/** Where a command writes to, and what it runs in. */
export interface Terminal {
  /** The folder that relative paths are relative to. */
  readonly cwd: string;
  /** Receives results. */
  readonly out: (text: string) => void;
  /** Receives errors and notes. */
  readonly err: (text: string) => void;
  /** Whether both can show colours. */
  readonly hasColours: boolean;
}

/** The exit code of the command: 0 if all is fine, 1 for a difference, 2 for wrong use or a source that cannot be read. */
export type ExitCode = 0 | 1 | 2;

/** The exit codes of the command, by name. */
export const exitCodes = { fine: 0, difference: 1, wrongUse: 2 } as const satisfies Record<string, ExitCode>;

const codes = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 };

/** Colours a text, if the terminal shows colours. */
export function coloured({ hasColours }: Terminal, colour: keyof typeof codes, text: string): string {
  return hasColours ? `\u001B[${codes[colour]}m${text}\u001B[0m` : text;
}
