import { model } from '../../http/validation/dto.js';
import { Field } from '../../http/validation/field.js';
import { type FieldType, listOf, nullable, text } from '../../http/validation/field-type.js';
import { valueError } from '../../http/validation/problem.js';

/** A kind of task, and the model for it. */
export class MetaProfileClassDto {
  @Field(text())
  description!: string;

  @Field(text(), 'The name of an LLM profile.')
  model!: string;
}

/**
 * How tasks are handed to models: by classes that a model chooses from, or by a prompt that names a model at
 * once.
 */
export class MetaProfileDto {
  @Field(text(), 'The name of the LLM profile that chooses.')
  classifier_model!: string;

  @Field(listOf(model(MetaProfileClassDto)))
  classes: MetaProfileClassDto[] = [];

  @Field(nullable(text()), 'Has to contain `{{ instance_text }}`; instead of classes.')
  prompt_template: string | null = null;

  @Field(nullable(text()), 'What the prompt says of the models.')
  model_table: string | null = null;
}

/** What is wrong with a meta-profile as a whole; undefined: nothing. */
export function metaProfileComplaint({ classes, prompt_template }: MetaProfileDto): string | undefined {
  if (prompt_template === null) {
    return classes.length > 0
      ? undefined
      : 'A meta-profile needs either classes or a prompt_template to route.';
  }
  if (classes.length > 0) return 'Direct-routing meta-profiles cannot also define classes.';
  return /\{\{\s*instance_text\s*\}\}/.test(prompt_template)
    ? undefined
    : 'Direct-routing meta-profiles must include {{ instance_text }} in prompt_template.';
}

const fields = model(MetaProfileDto, { className: 'MetaProfile' });

/** A meta-profile inside something else. */
export const metaProfile: FieldType = {
  ...fields,
  problems: (value) => {
    const found = fields.problems(value);
    if (found.length > 0 || !(value instanceof MetaProfileDto)) return found;
    const complaint = metaProfileComplaint(value);
    return complaint === undefined ? [] : [valueError(complaint)];
  },
};
