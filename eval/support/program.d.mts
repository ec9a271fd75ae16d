/** The end of a program of a check. */
export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function canConfineChecks(): boolean;
export function runConfined(
  folder: string,
  program: string,
  args: readonly string[],
  input?: string,
): Promise<ProgramResult>;
export function runProgram(
  folder: string,
  program: string,
  args: readonly string[],
  input?: string,
): Promise<ProgramResult>;
