import { Field, flag, nullable, text } from '../../http/index.js';

/** Selects the sub-agents to list. */
export class SubAgentsRequestDto {
  @Field(flag(), 'Include the sub-agents of the user.')
  load_user: boolean = true;

  @Field(flag(), 'Include the sub-agents of `project_dir`.')
  load_project: boolean = true;

  @Field(flag(), 'Include the built-in sub-agents.')
  load_builtin: boolean = true;

  @Field(nullable(text()), 'Folder of the project; null: none.')
  project_dir: string | null = null;
}
