import { ApiError, messageOf } from '../api/api-error.js';

/** What the server has said about a form: problems of its fields by path, and what belongs to none. */
export interface FormProblems {
  fields: Readonly<Record<string, string>>;
  other: string | undefined;
}

/** A form without problems. */
export const NO_PROBLEMS: FormProblems = { fields: {}, other: undefined };

/**
 * Sorts an error to the fields of a form.
 * @param paths the paths of the fields of the form; a problem below one belongs to it
 * @param guess the field that an error without a path is about, by its text
 */
export function problemsOf(
  error: unknown,
  paths: readonly string[],
  guess: (message: string) => string | undefined = () => undefined,
): FormProblems {
  const message = messageOf(error);
  const fields: Record<string, string> = {};
  const others: string[] = [];
  const problems = error instanceof ApiError ? error.fields : [];
  for (const { path, message: text } of problems) {
    const field = paths.find((it) => path === it || path.startsWith(`${it}.`));
    if (field === undefined) others.push(path === '' ? text : `${path}: ${text}`);
    else fields[field] ??= text;
  }
  if (problems.length > 0) return { fields, other: others.length > 0 ? others.join('; ') : undefined };
  const field = guess(message);
  return field === undefined
    ? { fields, other: message }
    : { fields: { [field]: message }, other: undefined };
}
