import { model, Field, type FieldType, listOf, nullable, text, valueError } from '../../http/index.js';

/** A class of tasks, and the model for it. */
class MetaProfileClassDto {
  @Field(text(), 'Describes the tasks of this class for the classifier.')
  description!: string;

  @Field(text(), 'Name of the LLM profile that is used for tasks of this class.')
  model!: string;
}

/**
 * Rules for choosing a model for a task: a classifier model selects one of several classes, or answers a
 * prompt with the name of a model.
 */
export class MetaProfileDto {
  @Field(text(), 'Name of the LLM profile that decides which model a task gets.')
  classifier_model!: string;

  @Field(
    listOf(model(MetaProfileClassDto)),
    'Classes of tasks, from which the classifier selects one; empty with a `prompt_template`.',
  )
  classes: MetaProfileClassDto[] = [];

  @Field(
    nullable(text()),
    'Prompt to which the classifier answers with the name of a model; must contain `{{ instance_text }}`. ' +
      'Null: classes are used.',
  )
  prompt_template: string | null = null;

  @Field(
    nullable(text()),
    'Describes the models in the prompt, where it says `{{ model_table }}`; null: nothing.',
  )
  model_table: string | null = null;
}

/** The problem of a meta-profile as a whole; undefined if it is valid. */
export function metaProfileProblem({ classes, prompt_template }: MetaProfileDto): string | undefined {
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

/** A meta-profile as a field of another object. */
export const metaProfile: FieldType = {
  ...fields,
  problems: (value) => {
    const found = fields.problems(value);
    if (found.length > 0 || !(value instanceof MetaProfileDto)) return found;
    const problem = metaProfileProblem(value);
    return problem === undefined ? [] : [valueError(problem)];
  },
};
