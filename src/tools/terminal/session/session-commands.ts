import { Buffer } from 'node:buffer';

/**
 * The maximum length of a variable's name and value (bytes). Linux does not start programs with larger
 * variables (`MAX_ARG_STRLEN`, execve(2), minus `=` and NUL).
 */
const MAX_VARIABLE_BYTES = 128 * 1024 - 2;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether bash takes a name as that of a variable. */
export function isVariableName(name: string): boolean {
  return VARIABLE_NAME.test(name);
}

/** A command as those see it who look at the terminal: the shell of an agent shows no prompt. */
export function shownCommand(command: string): string {
  return `\r\n\x1b[1;36m$\x1b[0m ${command.replaceAll(/\r?\n/g, '\r\n')}\r\n`;
}

/** The bash command that sets a variable. */
export function exportCommand(name: string, value: string): string {
  const text = `${name}='${value.replaceAll("'", `'\\''`)}'`;
  const fitsPrograms = Buffer.byteLength(name) + Buffer.byteLength(value) <= MAX_VARIABLE_BYTES;
  return `\\builtin export ${fitsPrograms ? '' : '-n '}${text}`;
}
