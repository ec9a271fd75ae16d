/** A UUID with its dashes, from its 32 hexadecimal digits alone; a text of another length stays as it is. */
export function dashedUuid(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
