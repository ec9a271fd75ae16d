import type { FormValues } from './form-values.js';

/** What the parts of the form share. */
export interface FormPart {
  values: FormValues;
  set: (changes: Partial<FormValues>) => void;
  problemOf: (field: keyof FormValues) => string | undefined;
}
