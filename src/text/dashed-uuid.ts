/** Adds the dashes to a UUID of 32 hexadecimal digits. Text of another length is returned unchanged. */
export function dashedUuid(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
