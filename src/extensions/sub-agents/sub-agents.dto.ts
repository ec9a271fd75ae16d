import { Field } from '../../http/validation/field.js';
import { flag, nullable, text } from '../../http/validation/field-type.js';

/** Which sub-agents to look for. */
export class SubAgentsRequestDto {
  @Field(flag(), 'Those that the person keeps for all projects.')
  load_user: boolean = true;

  @Field(flag(), 'Those of `project_dir`.')
  load_project: boolean = true;

  @Field(flag(), 'Those that are always there.')
  load_builtin: boolean = true;

  @Field(nullable(text()))
  project_dir: string | null = null;
}
